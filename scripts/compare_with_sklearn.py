# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2", "scikit-learn>=1.5"]
# ///
"""Trains `nn` and scikit-learn's MLP on the same two tables and compares.

Makes a table to classify (scikit-learn's digits, the class as a word, and a
column of categories) and one of numbers to predict (Friedman's function with
noise, and a column of categories that shifts it), trains both libraries with
equal settings and several seeds, and prints mean and standard deviation over
the seeds of the score on held-out rows: the accuracy, or the coefficient of
determination R², in percent. Exit status 1 if the means differ by more than 3
points.

A seed chooses other rows to hold out in either library, so single runs
differ; that is what the spread shows.

    usage: python compare_with_sklearn.py [--nn PROGRAM] [--seeds N]
"""

import argparse
import csv
import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROOT = Path(__file__).parent.parent
LARGEST_DIFFERENCE = 3.0

TEST_SHARE = 0.2
HIDDEN = (32, 16)
EPOCHS = 60
BATCH_SIZE = 32
LEARNING_RATE = 0.002
# scikit-learn's alpha, which it divides by the rows of a batch.
ALPHA = 0.05


def digits_table():
    """8x8 images, how much ink they have, and their class as a word."""
    pixels, digits = load_digits(return_X_y=True)
    names = "zero one two three four five six seven eight nine".split()
    ink = np.array(["little", "some", "much"])[np.digitize(pixels.sum(axis=1), [290, 330])]
    header = [f"p{index}" for index in range(pixels.shape[1])] + ["ink", "digit"]
    rows = ([*map(int, row), ink, names[digit]] for row, ink, digit in zip(pixels, ink, digits))
    return header, list(rows)


def friedman_table():
    """10 sin(π x0 x1) + 20 (x2 - ½)² + 10 x3 + 5 x4 + noise, shifted by a category."""
    x, y = make_friedman1(n_samples=2000, noise=1.0, random_state=0)
    shifts = {"red": 0.0, "green": 4.0, "blue": -3.0}
    colours = np.random.default_rng(0).choice(list(shifts), size=len(x))
    header = [f"x{index}" for index in range(x.shape[1])] + ["colour", "y"]
    rows = ([*row, colour, y + shifts[colour]] for row, colour, y in zip(x, colours, y))
    return header, list(rows)


def score_of_nn(program, path, target, seed, runs_dir):
    """Trains on the table at `path`; the score on the rows that `nn` held out."""
    run = runs_dir / f"{path.stem}-{seed}"
    loss = ["--loss", "quadratic"] if target == "y" else ["--loss", "cross-entropy"]
    train = [
        "train", "--data", path, "--target", target, "--json",
        "--name", run.name, "--runs-dir", runs_dir, "--seed", seed,
        "--test-split", TEST_SHARE, "--validation", 0,
        "--hidden", ",".join(map(str, HIDDEN)), "--activation", "relu", "--init", "xavier",
        "--optimizer", "adam", "--lr", LEARNING_RATE, "--schedule", "constant",
        "--batch-size", BATCH_SIZE, "--epochs", EPOCHS, "--l2", ALPHA / BATCH_SIZE, *loss,
    ]  # fmt: skip
    run_program(program, train)
    found = json.loads(run_program(program, ["evaluate", run, "--json"]))
    return found["r_squared"] if target == "y" else found["accuracy"]


def run_program(program, arguments):
    command = [*program, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(command)}\n{done.stderr}")
    return done.stdout


def score_of_sklearn(header, rows, target, seed):
    """The same with scikit-learn, on other rows held out."""
    table = np.array(rows, dtype=object)
    inputs, answers = table[:, :-1], table[:, -1]
    numbers, category = list(range(len(header) - 2)), [len(header) - 2]
    preprocessing = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), category)
    )
    settings = dict(
        hidden_layer_sizes=HIDDEN,
        activation="relu",
        solver="adam",
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS,
        alpha=ALPHA,
        random_state=seed,
    )
    if target == "y":
        network = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
        answers = answers.astype(float)
    else:
        network = MLPClassifier(**settings)
        answers = answers.astype(str)
    x, x_test, y, y_test = train_test_split(
        inputs, answers, test_size=TEST_SHARE, random_state=seed
    )
    with warnings.catch_warnings():
        # It always warns when it has done as many epochs as it was told.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(preprocessing, network).fit(x, y).score(x_test, y_test)


def write_table(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def compare(name, target, table, arguments, folder):
    """Prints a line; whether the means are close."""
    header, rows = table
    path = folder / f"{name}.csv"
    write_table(path, header, rows)
    seeds = range(arguments.seeds)
    program = shlex.split(arguments.nn)
    ours = [100 * score_of_nn(program, path, target, seed, folder / "runs") for seed in seeds]
    theirs = [100 * score_of_sklearn(header, rows, target, seed) for seed in seeds]
    difference = statistics.mean(ours) - statistics.mean(theirs)
    score = "R²" if target == "y" else "accuracy"
    print(f"{name:<9} {score:<9} {spread(ours):<15} {spread(theirs):<15} {difference:+.2f}")
    return abs(difference) <= LARGEST_DIFFERENCE


def spread(scores):
    return f"{statistics.mean(scores):.2f} ± {statistics.stdev(scores):.2f}"


def main():
    parser = argparse.ArgumentParser(description="Compare nn with scikit-learn's MLP.")
    parser.add_argument("--nn", default="cargo run -q -p nn-cli --", help="how to start nn")
    parser.add_argument("--seeds", type=int, default=5, help="runs of each, at least 2")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        parser.error("--seeds: a spread needs at least 2")
    print(f"{'table':<9} {'score':<9} {'nn':<15} {'scikit-learn':<15} difference   (percent)")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        are_close = [
            compare("digits", "digit", digits_table(), arguments, folder),
            compare("friedman", "y", friedman_table(), arguments, folder),
        ]
    if not all(are_close):
        sys.exit(f"error: they differ by more than {LARGEST_DIFFERENCE} points")


if __name__ == "__main__":
    main()
