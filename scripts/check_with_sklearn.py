# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2", "scikit-learn>=1.9"]
# ///
"""Runs scikit-learn's `check_estimator` on `nn`.

A thin wrapper makes the program an estimator: `fit` writes a CSV file and runs
`nn train`, `predict` writes one and runs `nn predict`. Nothing else happens in
between, so the checks are about the program. Prints each check that does
not pass, with scikit-learn's reason, and the counts; exit status 1 if a check
fails that is not in `EXPECTED_FAILURES`.

    usage: python check_with_sklearn.py [--nn PROGRAM]
"""

import argparse
import csv
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils.estimator_checks import (
    check_estimator,
    check_sample_weight_equivalence_on_dense_data,
)
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

ROOT = Path(__file__).parent.parent
PROGRAM = ["cargo", "run", "-q", "-p", "nn-cli", "--"]


def run(arguments):
    """Runs the program; what it says where it ends with an error."""
    command = [*PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise ValueError(done.stderr.strip())


def write_rows(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


class Nn(BaseEstimator):
    """What the classifier and the regressor share."""

    def __init__(self, hidden=(16,), epochs=200, lr=0.01, decimals=None, random_state=0):
        self.hidden = hidden
        self.epochs = epochs
        self.lr = lr
        self.decimals = decimals
        self.random_state = random_state

    def _fit(self, X, targets, task, sample_weight):
        """Trains at full batch on all rows; keeps the bytes of the model file."""
        names = [f"x{column}" for column in range(X.shape[1])]
        columns = [X, targets]
        header = [*names, *(f"y{column}" for column in range(targets.shape[1]))]
        flags = ["--target", ",".join(header[len(names) :]), "--task", task]
        if sample_weight is not None:
            columns.append(_check_sample_weight(sample_weight, X)[:, np.newaxis])
            header.append("weight")
            flags += ["--sample-weight", "weight"]
        rows = zip(*(row for column in columns for row in column.T.tolist()))
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "table.csv"
            write_rows(table, header, rows)
            run([
                "train", "--data", table, *flags, "--header", "yes",
                "--runs-dir", folder, "--name", "run", "--no-report",
                "--hidden", ",".join(map(str, self.hidden)), "--epochs", self.epochs,
                "--optimizer", "adam", "--lr", self.lr, "--batch-size", "full",
                "--validation", 0, "--test-split", 0, "--seed", self.random_state or 0,
            ])  # fmt: skip
            self.model_ = (Path(folder) / "run" / "model.safetensors").read_bytes()
        return self

    def _predict(self, X):
        """The columns of `nn predict`'s file, by name."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        with tempfile.TemporaryDirectory() as folder:
            model, table, found = (
                Path(folder) / name for name in ("model.safetensors", "table.csv", "found.csv")
            )
            model.write_bytes(self.model_)
            write_rows(table, [f"x{column}" for column in range(X.shape[1])], X.tolist())
            run(["predict", model, table, "--output", found])
            with found.open(newline="") as file:
                return list(csv.DictReader(file))

    def _numbers(self, rows):
        numbers = np.array(rows, dtype=np.float64)
        return numbers if self.decimals is None else numbers.round(self.decimals)


class NnClassifier(ClassifierMixin, Nn):
    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_ = unique_labels(y)
        # Letters sort like the classes do, whatever these are.
        numbers = np.searchsorted(self.classes_, y)
        self.names_ = [f"c{number:04}" for number in range(len(self.classes_))]
        names = np.array(self.names_, dtype=object)[numbers]
        return self._fit(X, names[:, np.newaxis], "classify", sample_weight)

    def predict(self, X):
        rows = self._predict(X)
        return self.classes_[[self.names_.index(row["prediction"]) for row in rows]]

    def predict_proba(self, X):
        rows = self._predict(X)
        columns = [f"probability_{name}" for name in self.names_]
        return self._numbers([[row[column] for column in columns] for row in rows])


class NnRegressor(RegressorMixin, Nn):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X, y, sample_weight=None):
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, multi_output=True)
        self.is_single_ = y.ndim == 1
        return self._fit(X, y.reshape(len(y), -1), "regress", sample_weight)

    def predict(self, X):
        found = self._numbers([list(row.values()) for row in self._predict(X)])
        return found[:, 0] if self.is_single_ else found


# In single precision, sums over the same rows in another order end in other last
# digits. scikit-learn asks for seven equal digits; the same check is run again
# on predictions rounded to four decimals.
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "single precision; run again, rounded"
}


def check(estimator):
    """Prints what does not pass; whether all that should pass does."""
    results = check_estimator(
        estimator, expected_failed_checks=EXPECTED_FAILURES, on_fail=None, on_skip=None
    )
    for result in results:
        if result["status"] != "passed":
            reason = str(result["exception"]).strip().splitlines()[:1]
            print(f"  {result['status']}: {result['check_name']}: {''.join(reason)}")
    name = type(estimator).__name__
    counts = Counter(result["status"] for result in results)
    print(f"{name}: {len(results)} checks, {dict(counts)}", flush=True)
    rounded = clone(estimator).set_params(decimals=4)
    check_sample_weight_equivalence_on_dense_data(name, rounded)
    print(f"{name}: sample weights are equivalent to repeated rows, to four decimals", flush=True)
    return counts["failed"] == 0


def main():
    parser = argparse.ArgumentParser(description="Run scikit-learn's check_estimator on nn.")
    parser.add_argument("--nn", help="how to start nn [default: cargo run -q -p nn-cli --]")
    arguments = parser.parse_args()
    if arguments.nn:
        PROGRAM[:] = shlex.split(arguments.nn)
    # A list, so that both are checked whatever the first comes to.
    if not all([check(estimator) for estimator in (NnClassifier(), NnRegressor())]):
        sys.exit("error: checks failed that are expected to pass")


if __name__ == "__main__":
    main()
