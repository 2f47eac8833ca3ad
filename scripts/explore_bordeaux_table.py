# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2"]
# ///
"""Which set-up gives table II of "Implementing a Neural Network from scratch"?

The table (784-64-10, sigmoid hidden layer, full batches, eleven learning
rates) comes without its initial weights and without the rule that makes a
digit of ten outputs. This trains every combination below on the first ROWS
training images, and prints how far each is from the table: the mean distance
in points over the rates tried, and over 0.6 and 0.1 alone, where the paper's
network learns.

    outputs    softmax with cross-entropy; ten sigmoids with binary cross-entropy
    weights    eight distributions; biases start at 0
    slope      of the hidden layer in the gradient: kept, or left out
    factor     on the gradient: 1, and with the slope 2, 2.5, 3 and 6
    rule       the largest output wins; or the first above 0.5, else "0"

    usage: python explore_bordeaux_table.py [--rows 1000] [--seed 0]
                                            [--inputs unit|standardised]
                                            [--weights "0.01 N(0, 1)"]...
                                            [--data-dir datasets] [--best 12]
"""

import argparse
import gzip
import itertools
from pathlib import Path

import numpy as np

# Rate: accuracy in percent after 100 and 290 epochs, as printed.
PRINTED = {2.0: (9.871, 19.255), 1.0: (59.733, 89.185), 0.6: (83.968, 90.31), 0.1: (18.726, 73.186)}
LEARNS = (0.6, 0.1)
EPOCHS = (100, 290)


def normal(deviation):
    return lambda rng, n_in, n_out: deviation * rng.standard_normal((n_in, n_out))


def lecun(rng, n_in, n_out):
    return normal(n_in**-0.5)(rng, n_in, n_out)


def uniform(low, high):
    return lambda rng, n_in, n_out: rng.uniform(low, high, (n_in, n_out))


# Name: distributions of the hidden and of the output layer.
WEIGHTS = {
    "0.01 N(0, 1)": (normal(0.01), normal(0.01)),
    "N(0, 1/n)": (lecun, lecun),
    "N(0, 1)": (normal(1), normal(1)),
    "0..0.01": (uniform(0, 0.01), uniform(0, 0.01)),
    "0..0.1": (uniform(0, 0.1), uniform(0, 0.1)),
    "0..1": (uniform(0, 1), uniform(0, 1)),
    "-0.5..0.5": (uniform(-0.5, 0.5), uniform(-0.5, 0.5)),
    "N(0, 1/n), then 0.01 N(0, 1)": (lecun, normal(0.01)),
}
# Mean and standard deviation of all training pixels.
INPUTS = {"unit": lambda x: x, "standardised": lambda x: (x - 0.1307) / 0.3081}
FACTORS = {"kept": (1, 2, 2.5, 3, 6), "left out": (1,)}


def sigmoid(z):
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


OUTPUTS = {"softmax": softmax, "sigmoid": sigmoid}


def largest(a):
    return a.argmax(axis=-1)


def above_half(a):
    return (a > 0.5).argmax(axis=-1)


RULES = {"largest": largest, "above 0.5": above_half}


def train(x, labels, output, weights, slope, rates, seed):
    """Accuracies in percent by rule after each of EPOCHS, for one network a rate.

    The networks are trained side by side, so that the first layer's products
    are those of one wide matrix: hidden [rates, rows, 64].
    """
    rng = np.random.default_rng(seed)
    first, second = (draw(rng, *shape).astype(np.float32) for draw, shape in zip(weights, ((784, 64), (64, 10))))
    is_used = x.any(axis=0)  # weights of pixels that are always 0 do nothing
    x, n = x[:, is_used], len(rates)
    w1, b1 = np.tile(first[is_used], (1, n)), np.zeros(64 * n, np.float32)
    w2, b2 = np.tile(second, (n, 1, 1)), np.zeros((n, 1, 10), np.float32)
    y = np.eye(10, dtype=np.float32)[labels]
    step = (np.array(rates, np.float32) / len(x)).reshape(n, 1, 1)
    step1 = np.repeat(step.ravel(), 64)

    def forward():
        hidden = sigmoid(x @ w1 + b1).reshape(len(x), n, 64).transpose(1, 0, 2)
        return hidden, output(hidden @ w2 + b2)

    found = []
    for epoch in range(1, max(EPOCHS) + 1):
        hidden, a = forward()
        error = a - y
        below = error @ w2.transpose(0, 2, 1)
        if slope == "kept":
            below *= hidden * (1 - hidden)
        w2 -= step * (hidden.transpose(0, 2, 1) @ error)
        b2 -= step * error.sum(axis=1, keepdims=True)
        below = below.transpose(1, 0, 2).reshape(len(x), 64 * n)
        w1 -= step1 * (x.T @ below)
        b1 -= step1 * below.sum(axis=0)
        if epoch in EPOCHS:
            _, a = forward()
            found.append({name: 100 * np.mean(rule(a) == labels, axis=1) for name, rule in RULES.items()})
    return [{name: tuple(at[name][k] for at in found) for name in RULES} for k in range(n)]


def distance(ours, rates):
    return np.mean([abs(a - b) for rate in rates for a, b in zip(ours[rate], PRINTED[rate])])


def read(path, skip):
    with gzip.open(path) as file:
        return np.frombuffer(file.read()[skip:], np.uint8)


def row(name, numbers, ours):
    """One line: a name, two distances, and accuracies by rate."""
    return f"{name:<68}{numbers}" + "".join(f"{a:7.0f}/{b:2.0f}" for a, b in ours.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", type=Path, default=Path("datasets"))
    parser.add_argument("--inputs", choices=INPUTS, default="unit", help="pixels / 255, or those less mean by deviation")
    parser.add_argument("--weights", choices=WEIGHTS, action="append", help="only these; may be repeated")
    parser.add_argument("--best", type=int, default=12, help="lines to print at the end")
    arguments = parser.parse_args()
    folder = arguments.data_dir / "mnist"
    pixels = read(folder / "train-images-idx3-ubyte.gz", 16).reshape(-1, 784)[: arguments.rows]
    labels = read(folder / "train-labels-idx1-ubyte.gz", 8)[: arguments.rows]
    x = INPUTS[arguments.inputs](pixels.astype(np.float32) / 255)

    results = []
    for output, weights, slope in itertools.product(OUTPUTS, arguments.weights or WEIGHTS, FACTORS):
        tried = list(itertools.product(FACTORS[slope], PRINTED))
        rates = [factor * rate for factor, rate in tried]
        found = train(x, labels, OUTPUTS[output], WEIGHTS[weights], slope, rates, arguments.seed)
        for factor, rule in itertools.product(FACTORS[slope], RULES):
            ours = {rate: at[rule] for (of, rate), at in zip(tried, found) if of == factor}
            name = f"{output}, {weights}, slope {slope}, factor {factor}, {rule}"
            results.append((distance(ours, PRINTED), distance(ours, LEARNS), name, ours))
        print(f"{len(results)} set-ups: {output}, {weights}, slope {slope}", flush=True)

    heads = "".join(f"{f'rate {rate:g}':>10}" for rate in PRINTED)
    for title, key in (("all rates", 0), ("rates 0.6 and 0.1", 1)):
        print(f"\nnearest over {title}; {arguments.rows} rows, accuracy after 100/290 epochs\n")
        print(f"{'':<68}{'all':>6}{'learn':>7}{heads}")
        print(row("the paper", f"{'':13}", PRINTED))
        for entry in sorted(results, key=lambda entry: entry[key])[: arguments.best]:
            print(row(entry[2], f"{entry[0]:6.1f}{entry[1]:7.1f}", entry[3]))


if __name__ == "__main__":
    main()
