"""Code that the inference programs share: the flags, the weights of a model
file, the measurement, and the output.

Times are microseconds per row, the medians of many measurements.
"""

import argparse
import json
import os
import pathlib
import statistics
import time

import numpy as np
import safetensors.numpy

import workload

SINGLES = 100  # predictions of one row per measurement
MEASUREMENTS = 200  # at least, for each batch size


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path, help="a model.safetensors of `nn train`")
    parser.add_argument("--data", type=pathlib.Path, required=True,
                        help="folder of MNIST's files, or CSV file of a table")
    parser.add_argument("--batches", required=True, help="batch sizes, such as 64,8192")
    parsed = parser.parse_args()
    parsed.batches = [int(size) for size in parsed.batches.split(",")]
    parsed.has_classes = parsed.data.suffix != ".csv"
    return parsed


def layers(path):
    """(weights [n_in, n_out], bias) of each layer; relu between them."""
    tensors = safetensors.numpy.load_file(path)
    count = sum(name.endswith(".weight") for name in tensors)
    return [(tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(count)]


def measure(name, version, args, prepare):
    """`prepare(n_threads)` returns the function from rows to outputs, and the
    function that makes its input from a NumPy array."""
    n_inputs = layers(args.model)[0][0].shape[0]
    _, _, rows, targets = workload.load(args.data, 1, n_inputs)
    predict, convert = prepare(1)
    report = {
        "program": name,
        "version": version,
        **workload.metric(predict(convert(rows)), targets),
        "single": time_singles(predict, [convert(rows[i : i + 1]) for i in range(len(rows))]),
        "batches": [time_batches(predict, split(rows, size, convert)) for size in args.batches],
    }
    predict, convert = prepare(len(os.sched_getaffinity(0)))
    report["batches_all_threads"] = [
        time_batches(predict, split(rows, size, convert)) for size in args.batches
    ]
    print(json.dumps(report))


def split(rows, size, convert):
    """The batches of `size` rows, as pairs of the size and the rows."""
    starts = range(0, len(rows) - size + 1, size)
    return [(size, convert(rows[start : start + size])) for start in starts]


def time_singles(predict, rows):
    times = []
    for first in range(0, len(rows), SINGLES):
        group = rows[first : first + SINGLES]
        start = time.perf_counter()
        for row in group:
            predict(row)
        times.append((time.perf_counter() - start) / len(group))
    return 1e6 * statistics.median(times)


def time_batches(predict, batches):
    times = []
    while len(times) < MEASUREMENTS:
        for size, batch in batches:
            start = time.perf_counter()
            predict(batch)
            times.append((time.perf_counter() - start) / size)
    return 1e6 * statistics.median(times)
