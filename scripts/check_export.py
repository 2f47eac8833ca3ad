# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy>=2", "onnx>=1.18", "onnxruntime>=1.20"]
# ///
"""Runs exported models in ONNX Runtime and, if gcc is installed, as C code.

Checks with `onnx.checker` (full check) and on 10 000 rows each:

- random networks and ensembles with every activation function and every kind of stage
  (`cargo run -p nn-export --example random_exports`): the outputs in ONNX Runtime are those of
  the network;
- tables with numbers, categories, dates and missing values, for each task, with the preset
  `tabular`, ensembles and members, and with other decision thresholds: the outputs of
  `nn export --inputs values`, `nn export --inputs columns` and `nn export --format c`, and those of
  the ONNX file after `nn import`, are those of `nn predict`;
- MNIST, if it is there: the same, from pixels.

Two outputs are equal within 1e-5 times the larger of 1 and the output. The predicted class is
the same wherever the two largest outputs differ by more than that. Exit status 1 on a difference.

    usage: python check_export.py [--nn PROGRAM] [--models N] [--rows N] [--data-dir datasets]
"""

import argparse
import csv
import ctypes
import gzip
import json
import math
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

ROOT = Path(__file__).parent.parent
TOLERANCE = 1e-5
CARGO = ["cargo", "run", "-q"]
C_FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-shared", "-fPIC"]
EPOCH = datetime(1970, 1, 1)

TABLES = {
    "two classes": ["--target", "kind", "--batch-norm"],
    "three classes": ["--target", "color", "--activation", "gelu"],
    "hinge loss": ["--target", "color", "--loss", "hinge"],
    "regression": ["--target", "price", "--task", "regression"],
    "logarithm of the target": ["--target", "price", "--target-transform", "log"],
    "two targets": ["--target", "price,size", "--task", "regression"],
    "labels": ["--target", "fast,light", "--task", "multi-label"],
    "preset tabular, regression": ["--target", "price", "--preset", "tabular"],
    "preset tabular, classes": ["--target", "kind", "--preset", "tabular"],
    "periodic embedding": ["--target", "kind", "--numeric-embedding", "periodic",
                           "--category-embedding", "3"],
    "members, classes": ["--target", "color", "--members", "8"],
    "members, regression": ["--target", "price", "--members", "4", "--numeric-embedding",
                            "piecewise-linear"],
    "ensemble, two classes": ["--target", "kind", "--ensemble", "3"],
    "ensemble of members": ["--target", "color", "--ensemble", "2", "--members", "3"],
    "threshold of two classes": ["--target", "kind"],
    "thresholds of labels": ["--target", "fast,light", "--task", "multi-label"],
}

# Flags of `nn predict` and `nn export` for some of the tables.
PREDICTION_FLAGS = {
    "threshold of two classes": ["--threshold", "0.3"],
    "thresholds of labels": ["--threshold", "auto"],
}


def main():
    options = arguments()
    n_wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        n_wrong += check_random_networks(options, folder / "random")
        write_table(folder / "train.csv", 600, seed=1)
        write_table(folder / "new.csv", options.rows, seed=2)
        for name, flags in TABLES.items():
            n_wrong += check_table(options, folder, name, flags)
        if (options.data_dir / "mnist").is_dir():
            n_wrong += check_mnist(options, folder)
    print(f"{n_wrong} models differ" if n_wrong else "all models agree")
    sys.exit(1 if n_wrong else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nn", type=shlex.split, default=[*CARGO, "-p", "nn-cli", "--"])
    parser.add_argument("--models", type=int, default=30, help="number of random networks")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "datasets")
    return parser.parse_args()


def run(command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


def open_model(path):
    """The model in ONNX Runtime, after the full check."""
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def outputs_of(session, inputs):
    """The outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


def scores_of(outputs):
    return outputs["probabilities" if "probabilities" in outputs else "values"]


def report(name, found, expected, classes=None):
    """Prints the largest difference; returns whether the outputs differ."""
    scale = np.maximum(1, np.abs(expected))
    with np.errstate(invalid="ignore"):
        difference = np.abs(found - expected) / scale
    is_equal = (difference <= TOLERANCE) | (np.isnan(found) & np.isnan(expected))
    n_classes_wrong = 0
    if classes is not None:
        found_classes, expected_classes = classes
        best = np.sort(expected, axis=1)
        is_clear = np.ones(len(best), bool)
        if best.shape[1] > 1:
            is_clear = best[:, -1] - best[:, -2] > TOLERANCE * scale.max(axis=1)
        n_classes_wrong = int((found_classes != expected_classes)[is_clear].sum())
    is_wrong = not is_equal.all() or n_classes_wrong > 0
    verdict = f"DIFFERS in {(~is_equal).sum()} outputs, {n_classes_wrong} classes" if is_wrong else "ok"
    print(f"{name:<45} {np.nanmax(difference, initial=0):8.1e}  {verdict}", flush=True)
    return is_wrong


def check_random_networks(options, folder):
    run([*CARGO, "-p", "nn-export", "--example", "random_exports", "--",
         folder, options.models, options.rows], cwd=ROOT)  # fmt: skip
    n_wrong = 0
    for model in range(options.models):
        session = open_model(folder / f"{model}.onnx")
        values = np.load(folder / f"{model}.values.npy")
        expected = np.load(folder / f"{model}.outputs.npy")
        outputs = outputs_of(session, {"input": values})
        classes = None
        if "label" in outputs and expected.shape[1] > 1:
            classes = outputs["label"], expected.argmax(axis=1)
        n_wrong += report(f"random network {model}", scores_of(outputs), expected, classes)
    return n_wrong


def write_table(path, n_rows, seed):
    """Numbers, categories, dates, missing values, and a category that is in new tables only."""
    draw = random.Random(seed)
    header = ["size", "year", "color", "state", "sold", "price", "kind", "fast", "light",
              "city"]  # fmt: skip
    cities = [f"city {number}" for number in range(12 if seed > 1 else 11)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for _ in range(n_rows):
            size = draw.gauss(0, 3)
            color = draw.choice(["red", "green", "blue"])
            state = draw.choice(["new", "old", "", *(["unknown"] if seed > 1 else [])])
            sold = EPOCH + timedelta(seconds=draw.randrange(10**9, 17 * 10**8))
            price = math.exp(2 + 0.2 * size + draw.gauss(0, 0.5))
            writer.writerow([
                "" if draw.random() < 0.1 else round(size, 4),
                draw.randrange(1990, 2026),
                color,
                state,
                "" if draw.random() < 0.1 else sold.strftime("%Y-%m-%d %H:%M:%S"),
                round(price, 3),
                "large" if size > draw.gauss(0, 1) else "small",
                int(price > 8),
                int(size < 0),
                draw.choice(cities),
            ])  # fmt: skip


def read_table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def check_table(options, folder, name, flags):
    runs = ["--runs-dir", folder / "runs"]
    run_name = name.replace(" ", "-")
    run([*options.nn, "train", "--data", folder / "train.csv", *flags, "--epochs", 5,
         "--hidden", "16,8", "--name", run_name, "--no-report", *runs])  # fmt: skip
    predictions = folder / f"{run_name}.csv"
    more = [*PREDICTION_FLAGS.get(name, []), *runs]
    run([*options.nn, "predict", run_name, folder / "new.csv", "-o", predictions, *more])
    expected, expected_names = predictions_of(read_table(predictions))
    paths = {}
    for form in ["values", "columns"]:
        paths[form] = folder / f"{run_name}-{form}.onnx"
        run([*options.nn, "export", run_name, "--format", "onnx", "--inputs", form,
             "-o", paths[form], *more])  # fmt: skip
    session = open_model(paths["values"])
    metadata = session.get_modelmeta().custom_metadata_map
    rows = read_table(folder / "new.csv")
    values = values_of(rows, json.loads(metadata["values"]))
    n_wrong = 0
    for form, inputs in [("values", {"input": values}), ("columns", None)]:
        session = open_model(paths[form])
        if inputs is None:
            inputs = columns_of(rows, values, session, json.loads(metadata["values"]))
        outputs = outputs_of(session, inputs)
        classes = None
        if "label" in outputs:
            names = np.array(json.loads(metadata["class_names"]))
            classes = names[outputs["label"]], np.array(expected_names)
        found = scores_of(outputs)
        if name == "hinge loss":
            # `nn predict` prints the predicted class with probability 1.
            found = np.eye(found.shape[1])[outputs["label"]]
        n_wrong += report(f"{name}, {form}", found, expected, classes)
    imported = f"{run_name}-imported"
    has_own_threshold = "auto" in more  # that of the run, which the file does not state
    run([*options.nn, "import", paths["values"], "--name", imported, *runs])
    run([*options.nn, "predict", imported, folder / "new.csv", "-o", folder / f"{imported}.csv",
         *(runs if has_own_threshold else more)])  # fmt: skip
    found, found_names = predictions_of(read_table(folder / f"{imported}.csv"))
    classes = None
    if "class_names" in metadata and not has_own_threshold:
        classes = np.array(found_names), np.array(expected_names)
    n_wrong += report(f"{name}, imported", found, expected, classes)
    if shutil.which("gcc") and name != "hinge loss":
        source = folder / f"{run_name}.c"
        run([*options.nn, "export", run_name, "--format", "c", "-o", source, *runs])
        n_wrong += report(f"{name}, C", predict_with_c(source, values, expected.shape[1]), expected)
    return n_wrong


def predictions_of(rows):
    """The numbers of a file of predictions, and the predicted classes."""
    columns = list(rows[0])
    probabilities = [column for column in columns if column.startswith("probability_")]
    numbers = [[float(row[column]) for column in probabilities or columns] for row in rows]
    return np.array(numbers, np.float32), [row.get("prediction") for row in rows]


def values_of(rows, descriptions):
    """The input values, from the description in the metadata."""
    table = np.empty((len(rows), len(descriptions)), np.float32)
    for column, description in enumerate(descriptions):
        name = description["name"]
        if description["type"] == "number":
            table[:, column] = [float(row[name] or "nan") for row in rows]
        elif description["type"] == "category" and name in rows[0]:
            index = {category: i for i, category in enumerate(description["categories"])}
            table[:, column] = [index.get(row[name], math.nan) for row in rows]
        else:
            name, part = name.rsplit(".", 1)
            table[:, column] = [part_of_date(row[name], part) for row in rows]
    return table


def part_of_date(text, part):
    if not text:
        return math.nan
    date = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    seconds = int(date.timestamp())
    return {
        "day": seconds // 86400,
        "second": seconds % 86400,
        "weekday": date.weekday(),
        "month": date.month - 1,
        "hour": date.hour,
    }[part]


def columns_of(rows, values, session, descriptions):
    """One input per column: the text of categories, the numbers of all others."""
    inputs = {}
    for column, (argument, description) in enumerate(zip(session.get_inputs(), descriptions)):
        if argument.type == "tensor(string)" and description["name"] in rows[0]:
            texts = [[row[description["name"]]] for row in rows]
            inputs[argument.name] = np.array(texts, dtype=object)
        elif argument.type == "tensor(string)":
            categories = description["categories"]
            texts = [["" if math.isnan(x) else categories[int(x)]] for x in values[:, column]]
            inputs[argument.name] = np.array(texts, dtype=object)
        else:
            inputs[argument.name] = values[:, column : column + 1]
    return inputs


def predict_with_c(source, values, n_outputs):
    """Compiles the code as a library and predicts each row."""
    library = source.with_suffix(".so")
    run(["gcc", *C_FLAGS, source, "-o", library])
    predict = ctypes.CDLL(str(library)).nn_predict
    pointer = ctypes.POINTER(ctypes.c_float)
    values = np.ascontiguousarray(values, np.float32)
    outputs = np.empty((len(values), n_outputs), np.float32)
    for row, output in zip(values, outputs):
        predict(row.ctypes.data_as(pointer), output.ctypes.data_as(pointer))
    return outputs


def check_mnist(options, folder):
    """Compares with the network of the ONNX file in single precision, and the accuracy."""
    runs = ["--runs-dir", folder / "runs"]
    run([*options.nn, "train", "--data", "mnist", "--data-dir", options.data_dir, "--hidden", 32,
         "--epochs", 1, "--name", "mnist", "--no-report", *runs])  # fmt: skip
    for form in ["onnx", "c"]:
        run([*options.nn, "export", "mnist", "--format", form, "--data-dir", options.data_dir,
             "-o", folder / f"mnist.{form}", *runs])  # fmt: skip
    pixels, labels = (read_idx(options.data_dir / "mnist" / name) for name in [
        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
    ])  # fmt: skip
    values = pixels.reshape(len(pixels), -1).astype(np.float32)[: options.rows]
    outputs = outputs_of(open_model(folder / "mnist.onnx"), {"input": values})
    evaluated = json.loads(run([*options.nn, "evaluate", "mnist", "--json", "--data-dir",
                                options.data_dir, *runs]))  # fmt: skip
    n_wrong = 0
    if len(values) == len(labels):
        accuracy = (outputs["label"] == labels).mean()
        is_wrong = abs(accuracy - evaluated["accuracy"]) > 1.5 / len(labels)
        n_wrong += is_wrong
        print(f"{'MNIST, accuracy of ONNX Runtime and of nn':<45} {accuracy:.4f} "
              f"{evaluated['accuracy']:.4f}  {'DIFFERS' if is_wrong else 'ok'}")
    if shutil.which("gcc"):
        found = predict_with_c(folder / "mnist.c", values, 10)
        n_wrong += report("MNIST, C and ONNX Runtime", found, outputs["probabilities"])
    return n_wrong


def read_idx(path):
    """A file of MNIST, compressed or not."""
    content = path.read_bytes() if path.exists() else gzip.open(f"{path}.gz").read()
    n_dimensions = content[3]
    shape = np.frombuffer(content, ">u4", n_dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_dimensions).reshape(shape)


if __name__ == "__main__":
    main()
