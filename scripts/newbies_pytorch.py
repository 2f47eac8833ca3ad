# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.15.0", "numpy"]
# ///
"""The training of claim N5 of `nn papers` in PyTorch.

784-64-10, ReLU, softmax and cross-entropy, stochastic gradient descent with
one sample a step, rate 0.01, five epochs on MNIST's 60 000 training images. The
initial weights and the order of the samples are those of

    nn train --data mnist --hidden 64 --activation relu --init he --optimizer sgd
             --lr 0.01 --batch-size 1 --epochs 5 --validation 0 --seed 0

because both are pure functions of the seed, written out again here: ChaCha
with 8 rounds keyed by the seed, one stream for a layer's weights and one for
the order of an epoch (crates/nn-tensor/src/random.rs).

Writes crates/nn-papers/src/newbies/pytorch.json: the mean loss of each
epoch, every sample's loss taken before its step; of the first 5000 samples
alone, and of all in single and in double precision, which shows how far
rounding alone drives two such trainings apart.

    usage: python newbies_pytorch.py [FOLDER OF MNIST] [FILE]
"""

import gzip
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

ROOT = Path(__file__).parent.parent
SEED = 0
WIDTHS = [784, 64, 10]
EPOCHS = 5
FIRST = 5000
RATE = 0.01
WEIGHTS, SHUFFLE = 1, 2


def chacha8(purpose, index, n_words):
    """The first words of a stream: all blocks at once."""
    n_blocks = -(-n_words // 16)
    counter = np.arange(n_blocks, dtype=np.uint64)
    stream = (purpose << 56) | index
    key = [SEED & 0xFFFFFFFF, SEED >> 32, 0, 0, 0, 0, 0, 0]
    constants = [0x61707865, 0x3320646E, 0x79622D32, 0x6B206574]
    start = [np.full(n_blocks, word, np.uint32) for word in constants + key]
    start += [(counter & 0xFFFFFFFF).astype(np.uint32), (counter >> np.uint64(32)).astype(np.uint32)]
    start += [np.full(n_blocks, word, np.uint32) for word in (stream & 0xFFFFFFFF, stream >> 32)]
    x = [word.copy() for word in start]

    def rotate(word, bits):
        return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))

    def quarter(a, b, c, d):
        x[a] += x[b]
        x[d] = rotate(x[d] ^ x[a], 16)
        x[c] += x[d]
        x[b] = rotate(x[b] ^ x[c], 12)
        x[a] += x[b]
        x[d] = rotate(x[d] ^ x[a], 8)
        x[c] += x[d]
        x[b] = rotate(x[b] ^ x[c], 7)

    for _ in range(4):
        for column in range(4):
            quarter(column, 4 + column, 8 + column, 12 + column)
        for diagonal in range(4):
            quarter(
                diagonal,
                4 + (diagonal + 1) % 4,
                8 + (diagonal + 2) % 4,
                12 + (diagonal + 3) % 4,
            )
    words = np.stack([word + first for word, first in zip(x, start)], axis=1)
    return words.reshape(-1)[:n_words]


def normal(purpose, index, n):
    """Marsaglia's polar method, the first number of each pair."""
    words = chacha8(purpose, index, 8 * n).astype(np.uint64).reshape(-1, 2)
    high, low = words[:, 0] >> np.uint64(5), words[:, 1] >> np.uint64(6)
    uniform = ((high << np.uint64(26)) | low).astype(np.float64) / 2.0**53
    u, v = (2 * uniform - 1).reshape(-1, 2).T
    s = u * u + v * v
    kept = (s > 0) & (s < 1)
    u, s = u[kept], s[kept]
    return (u * np.sqrt(-2 * np.log(s) / s))[:n]


def order(epoch, n):
    """Fisher and Yates; a draw from an incomplete last interval is repeated."""
    words = iter(chacha8(SHUFFLE, epoch, 2 * n).tolist())
    items = list(range(n))
    for last in range(n - 1, 0, -1):
        limit = last + 1
        largest_fair = 0xFFFFFFFF - (0xFFFFFFFF % limit + 1) % limit
        bits = next(words)
        while bits > largest_fair:
            bits = next(words)
        other = bits % limit
        items[last], items[other] = items[other], items[last]
    return items


def read(folder, name, offset):
    path = folder / name
    data = path.read_bytes() if path.exists() else gzip.decompress(Path(f"{path}.gz").read_bytes())
    return np.frombuffer(data, np.uint8, offset=offset)


def initial_parameters(dtype):
    parameters = []
    for index, (n_inputs, n_outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        std = math.sqrt(2 / n_inputs)
        weights = std * normal(WEIGHTS, 2 * index, n_inputs * n_outputs)
        # Rounded to single precision, as nn-core has them, whatever the training uses.
        weights = torch.tensor(weights.astype(np.float32).reshape(n_inputs, n_outputs))
        for parameter in (weights, torch.zeros(n_outputs)):
            parameters.append(parameter.to(dtype).requires_grad_())
    return parameters


def train(pixels, labels, dtype, epochs):
    """The mean loss of each epoch."""
    images = (torch.tensor(pixels.astype(np.float32)) * np.float32(1 / 255)).to(dtype)
    w1, b1, w2, b2 = parameters = initial_parameters(dtype)
    losses = []
    for epoch in range(epochs):
        total = 0.0
        for row in order(epoch, len(labels)):
            hidden = F.relu(images[row : row + 1] @ w1 + b1)
            loss = F.cross_entropy(hidden @ w2 + b2, labels[row : row + 1])
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients):
                    parameter -= RATE * gradient
            total += loss.item()
        losses.append(total / len(labels))
        print(f"{dtype}, {len(labels)} samples, epoch {epoch + 1}: loss {losses[-1]:.6f}", flush=True)
    return losses


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "datasets/mnist"
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "crates/nn-papers/src/newbies/pytorch.json"
    torch.set_num_threads(1)
    pixels = read(folder, "train-images-idx3-ubyte", 16).reshape(-1, 784)
    labels = torch.tensor(read(folder, "train-labels-idx1-ubyte", 8).astype(np.int64))
    result = {
        "torch": torch.__version__.split("+")[0],
        "command": "uv run scripts/newbies_pytorch.py",
        "first_samples": FIRST,
        "first": train(pixels[:FIRST], labels[:FIRST], torch.float32, 1),
        "single": train(pixels, labels, torch.float32, EPOCHS),
        "double": train(pixels, labels, torch.float64, EPOCHS),
    }
    target.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
