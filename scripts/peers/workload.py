"""Code that all peers' scripts share: the flags, the data, and the output.

Every script trains the same network on the same rows with the same batch size
and optimizer, and prints one JSON object: the `seconds` of each epoch
(shuffling, gathering, forward pass, backward pass, step; without compiling and
evaluating), and the `accuracy` or `loss` on the test rows, which shows that the
work was the same.
"""

import argparse
import gzip
import json
import pathlib
import time

import numpy as np
import safetensors.numpy


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True,
                        help="folder of MNIST's files, or CSV file of a table")
    parser.add_argument("--initial", type=pathlib.Path, required=True, metavar="FILE",
                        help="model file whose weights to start from")
    parser.add_argument("--layers", required=True, help="widths, such as 784,128,10")
    parser.add_argument("--activation", choices=["relu", "sigmoid", "tanh"], required=True)
    parser.add_argument("--loss", choices=["cross-entropy", "mse"], required=True)
    parser.add_argument("--batch", type=int, required=True, help="rows in a step; 0: all")
    parser.add_argument("--optimizer", choices=["sgd", "adam"], required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--limit", type=float, default=float("inf"), metavar="SECONDS",
                        help="no epoch begins after so many seconds of training")
    parser.add_argument("--seed", type=int, default=0)
    parsed = parser.parse_args()
    parsed.layers = [int(width) for width in parsed.layers.split(",")]
    parsed.batch = parsed.batch or parsed.rows
    return parsed


def read_idx(path, offset):
    return np.frombuffer(gzip.decompress(path.read_bytes()), dtype=np.uint8, offset=offset)


def load(data, rows, n_inputs):
    """Inputs and targets of the first `rows` training rows, inputs and targets of all test
    rows."""
    return load_table(data, rows, n_inputs) if data.suffix == ".csv" else load_mnist(data, rows)


def load_table(path, rows, n_inputs):
    """Inputs [rows, n_inputs] and targets [rows, n_targets] as f32. The last column says
    whether a row is a training row."""
    with path.open() as file:
        split = file.readline().count(",")
        table = np.loadtxt(file, np.float32, delimiter=",",
                           converters={split: lambda text: text == "train"}, encoding="utf-8")
    is_training_row = table[:, split] == 1
    parts = (table[is_training_row][:rows], table[~is_training_row])
    columns = (slice(n_inputs), slice(n_inputs, split))
    return [np.ascontiguousarray(part[:, of]) for part in parts for of in columns]


def load_mnist(folder, rows):
    """Images as f32 in 0..1, labels as int64."""
    x_train = read_idx(folder / "train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[:rows]
    y_train = read_idx(folder / "train-labels-idx1-ubyte.gz", 8)[:rows]
    x_test = read_idx(folder / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    y_test = read_idx(folder / "t10k-labels-idx1-ubyte.gz", 8)
    scale = np.float32(1 / 255)
    return x_train * scale, y_train.astype(np.int64), x_test * scale, y_test.astype(np.int64)


def initial_weights(args):
    """(weights [n_in, n_out], bias) of each layer, as `nn` would start; biases are 0."""
    tensors = safetensors.numpy.load_file(args.initial)
    weights = [tensors[f"layers.{index}.weight"] for index in range(len(args.layers) - 1)]
    return [(part, np.zeros(part.shape[1], np.float32)) for part in weights]


def time_epochs(args, epoch):
    """Calls `epoch()` until the epochs or the time are over: seconds of each."""
    seconds = []
    while len(seconds) < args.epochs and sum(seconds) <= args.limit:
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    return seconds


def metric(outputs, targets):
    """The mean squared error of a regression, or the accuracy of a classification."""
    outputs, targets = np.asarray(outputs), np.asarray(targets)
    if targets.ndim == 2:
        return {"loss": float(np.mean((outputs - targets) ** 2, dtype=np.float64))}
    return {"accuracy": float(np.mean(outputs.argmax(axis=1) == targets))}


def report(name, version, seconds, outputs, targets):
    """Prints the result; `outputs` are those for the test rows with these `targets`."""
    result = {"peer": name, "version": version, "seconds": seconds, **metric(outputs, targets)}
    print(json.dumps(result))
