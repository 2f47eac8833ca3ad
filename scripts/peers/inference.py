"""What the inference programs share: the flags, the weights of a model file,
the measurement, and the line they print.

Times are microseconds an image, the medians of many measurements: one image
at a time on one thread, batches of 1024 on one thread and on all.
"""

import argparse
import json
import os
import pathlib
import statistics
import time

import numpy as np
import safetensors.numpy

import mnist

BATCH_SIZE = 1024
SINGLES = 100  # answers between two looks at the clock


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path, help="a model.safetensors of `nn train`")
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of MNIST's files")
    return parser.parse_args()


def layers(path):
    """(weights [n_in, n_out], bias) of each layer; relu between them."""
    tensors = safetensors.numpy.load_file(path)
    count = sum(name.endswith(".weight") for name in tensors)
    return [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(count)]


def measure(name, version, args, prepare):
    """`prepare(n_threads)` gives the function from images to probabilities,
    and what makes its input from a NumPy array."""
    _, _, images, labels = mnist.load(args.data, 1)
    predict, convert = prepare(1)
    answers = np.asarray(predict(convert(images)))
    right = (answers.argmax(1) == labels).mean()
    report = {
        "program": name,
        "version": version,
        "accuracy": float(right),
        "single": time_singles(predict, [convert(images[i : i + 1]) for i in range(len(images))]),
        "batch": time_batches(predict, batches(images, convert)),
    }
    predict, convert = prepare(len(os.sched_getaffinity(0)))
    report["batch_all_threads"] = time_batches(predict, batches(images, convert))
    print(json.dumps(report))


def batches(images, convert):
    starts = range(0, len(images) - BATCH_SIZE + 1, BATCH_SIZE)
    return [convert(images[start : start + BATCH_SIZE]) for start in starts]


def time_singles(predict, images):
    times = []
    for first in range(0, len(images), SINGLES):
        group = images[first : first + SINGLES]
        start = time.perf_counter()
        for image in group:
            predict(image)
        times.append((time.perf_counter() - start) / len(group))
    return 1e6 * statistics.median(times)


def time_batches(predict, batches):
    times = []
    for _ in range(20):
        for batch in batches:
            start = time.perf_counter()
            predict(batch)
            times.append((time.perf_counter() - start) / BATCH_SIZE)
    return 1e6 * statistics.median(times)
