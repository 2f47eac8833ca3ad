# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2", "safetensors>=0.5"]
# ///
"""Evaluates a run of `nn train` without any code of ours.

Opens RUN/model.safetensors with the `safetensors` package, reads the MNIST
files itself, computes the answers with NumPy in double precision, and compares
accuracy and loss with RUN/summary.json. For runs on mnist, fashion-mnist or a
folder of IDX files, with any activation, loss or layer.

`nn` computes in single precision. The loss may therefore differ by 0.01 %, and
the accuracy by one image whose two best answers round to the same number;
anything more is an error, exit status 1.

    usage: python evaluate_with_numpy.py RUN [--data-dir datasets]
"""

import argparse
import gzip
import json
import math
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open

LARGEST_LOSS_DIFFERENCE = 1e-4
LARGEST_IMAGE_DIFFERENCE = 1
BATCH_NORM_EPSILON = 1e-5
LAYER_NORM_EPSILON = 1e-5
SELU_LAMBDA, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def erf(z):
    return np.vectorize(math.erf)(z)


ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "leaky-relu": lambda z, slope=0.01: np.where(z > 0, z, slope * z),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
    "swish": lambda z: z * sigmoid(z),
    "elu": lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
    "selu": lambda z: SELU_LAMBDA * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "softplus": lambda z: np.logaddexp(0, z),
    "hard-sigmoid": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "hard-tanh": lambda z: np.clip(z, -1, 1),
}


def cross_entropy(z, a, y):
    log_sum = np.logaddexp.reduce(z, axis=1, keepdims=True)
    return (y * (log_sum - z)).sum(axis=1)


def huber(z, a, y, delta=1.0):
    e = np.abs(a - y)
    return np.where(e <= delta, e * e / 2, delta * (e - delta / 2)).mean(axis=1)


def hinge(z, a, y):
    if z.shape[1] == 1:
        return np.maximum(0, 1 - (2 * y - 1) * z)[:, 0]
    best_wrong = np.where(y == 1, -np.inf, z).max(axis=1)
    return np.maximum(0, 1 + best_wrong - z[y == 1])


# Of each row, from sums z, answers a = activation(z) and right answers y.
LOSSES = {
    "cross-entropy": cross_entropy,
    "kl": cross_entropy,  # the same where one class is certain
    "binary-cross-entropy": lambda z, a, y: (np.logaddexp(0, z) - z * y).sum(axis=1),
    "mse": lambda z, a, y: ((a - y) ** 2).mean(axis=1),
    "sum-of-squares": lambda z, a, y: ((a - y) ** 2).sum(axis=1),
    "quadratic": lambda z, a, y: ((a - y) ** 2).sum(axis=1) / 2,
    "mae": lambda z, a, y: np.abs(a - y).mean(axis=1),
    "huber": huber,
    "hinge": hinge,
}


def entry(menu, text):
    """The function of `name:parameter=value:...`, and its parameters."""
    name, *parameters = text.split(":")
    if name not in menu:
        sys.exit(f'error: unknown entry "{name}"; known: {", ".join(menu)}')
    pairs = (parameter.split("=") for parameter in parameters)
    return menu[name], {key: float(value) for key, value in pairs}


def layer_norm(x, gamma, beta):
    spread = np.sqrt(x.var(axis=1, keepdims=True) + LAYER_NORM_EPSILON)
    return gamma * (x - x.mean(axis=1, keepdims=True)) / spread + beta


def stages(layer, place, x, layer_input, part):
    """Further stages of a layer, of those listed in one place."""
    for index, text in enumerate(layer.get(place, [])):
        name, _, argument = text.partition(":")
        value = lambda tensor: part(f"{place}.{index}.{tensor}")
        if name == "layer-norm":
            x = layer_norm(x, value("layer_norm.gamma"), value("layer_norm.beta"))
        elif name == "scaling":
            x = x * value("scaling.scale")
        elif name == "parametric":
            activation, parameters = entry(ACTIVATIONS, argument)
            x = x + value("parametric.alpha") * (activation(x, **parameters) - x)
        elif name == "residual":
            x = x + layer_input
        else:
            sys.exit(f'error: unknown stage "{text}"')
    return x


def forward(layers, tensors, x):
    """The sums and the answers of the last layer."""
    a = x
    for index, layer in enumerate(layers):
        part = lambda name: tensors[f"layers.{index}.{name}"].astype(np.float64)
        layer_input = a
        a = stages(layer, "inputs", a, layer_input, part)
        z = a @ part("weight") + part("bias")
        if layer["batch_norm"]:
            norm = {
                name: part(f"batch_norm.{name}")
                for name in ("gamma", "beta", "running_mean", "running_variance")
            }
            spread = np.sqrt(norm["running_variance"] + BATCH_NORM_EPSILON)
            z = norm["gamma"] * (z - norm["running_mean"]) / spread + norm["beta"]
        z = stages(layer, "sums", z, layer_input, part)
        activation, parameters = entry(ACTIVATIONS, layer["activation"])
        a = activation(z, **parameters)
        a = stages(layer, "outputs", a, layer_input, part)
    return z, a


def read_idx(folder, name):
    """An IDX file: 0, 0, type 8 (bytes), number of dimensions, dimensions, data."""
    plain, packed = folder / name, folder / f"{name}.gz"
    data = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    rank = data[3]
    assert data[:3] == bytes([0, 0, 8]), f"{name} is no IDX file of bytes"
    shape = np.frombuffer(data, ">u4", count=rank, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_test_rows(training, data_dir):
    """Pixels [n, n_inputs] and classes [n]."""
    named, own = data_dir / training["data"], Path(training["data"])
    folder = named if named.is_dir() else own
    if not folder.is_dir():
        sys.exit(f"error: neither {named} nor {own} is a folder with test images")
    images = read_idx(folder, "t10k-images-idx3-ubyte")
    labels = read_idx(folder, "t10k-labels-idx1-ubyte").astype(int)
    if "positive-class" in training:
        labels = (labels == training["positive-class"]).astype(int)
    return images.reshape(len(images), -1), labels


def evaluate(model, data_dir):
    """Number of right answers, number of images, mean loss."""
    with safe_open(model, framework="numpy") as file:
        metadata = json.loads(file.metadata()["nn"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    pixels, labels = read_test_rows(metadata["training"], data_dir)
    z, a = forward(metadata["layers"], tensors, pixels * metadata["input"]["scale"])
    if a.shape[1] == 1:
        y = labels[:, None].astype(np.float64)
        answers = (a[:, 0] > (0 if metadata["loss"] == "hinge" else 0.5)).astype(int)
    else:
        y = np.eye(a.shape[1])[labels]
        answers = a.argmax(axis=1)
    loss, parameters = entry(LOSSES, metadata["loss"])
    return (answers == labels).sum(), len(labels), loss(z, a, y, **parameters).mean()


def main():
    parser = argparse.ArgumentParser(description="Evaluate a run of nn train with NumPy alone.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--data-dir", type=Path, default=Path("datasets"))
    arguments = parser.parse_args()

    n_right, n, loss = evaluate(arguments.run / "model.safetensors", arguments.data_dir)
    summary = json.loads((arguments.run / "summary.json").read_text())
    n_right_nn = round(summary["test_accuracy"] * n)
    print(f"         accuracy  loss        right of {n}")
    print(f"NumPy    {n_right / n:.4f}    {loss:.7f}   {n_right}")
    print(f"nn       {summary['test_accuracy']:.4f}    {summary['test_loss']:.7f}   {n_right_nn}")
    same_accuracy = abs(n_right - n_right_nn) <= LARGEST_IMAGE_DIFFERENCE
    same_loss = math.isclose(loss, summary["test_loss"], rel_tol=LARGEST_LOSS_DIFFERENCE)
    if not (same_accuracy and same_loss):
        sys.exit("error: they differ")
    print("they agree")


if __name__ == "__main__":
    main()
