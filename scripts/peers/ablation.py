"""Measures what each part of the presets for tables is worth.

    python scripts/peers/ablation.py --nn target/release/nn --tables DIR --results FILE.jsonl

Only the development tables are used, and of these only the training rows of the first split
of the benchmark, at most `--rows` of each table: the test rows of the benchmark have no
influence on the presets. The rows are divided into folds, and each variant is trained on all
folds but one and tested on this one. `nn` splits its validation rows off the training rows.
Results that FILE.jsonl has are not computed again.

With `--train-rows N`, each variant is trained on N random rows in place of the folds, and
tested on at most 2000 of the other rows: small tables, with test errors of little noise.

With `--seeds K`, each variant is trained with K seeds per fold, and the logarithms of the
errors are averaged: the interval contains less of the noise of the random numbers.
"""

import argparse
import math
import time
from itertools import product
from pathlib import Path
from statistics import mean, stdev

import numpy
import table_data
import table_methods
import table_record
import table_results
from scipy.stats import t as student
from sklearn.model_selection import KFold, StratifiedKFold

# The presets, and `tabular` with one part changed.
VARIANTS = {
    "tabular": [],
    "plain": ["--preset", "plain"],
    "tabular-fast": ["--preset", "tabular-fast"],
    "tabular-small": ["--preset", "tabular-small"],
    "robust scaling": ["--scaling", "robust"],
    "periodic embedding": ["--numeric-embedding", "periodic"],
    "no numeric embedding": ["--numeric-embedding", "none"],
    "one-hot categories": ["--category-embedding", "0"],
    "no scaling layer": ["--input-scaling", "false"],
    "no parametric activation": ["--parametric-activation", "false"],
    "ReLU": ["--activation", "relu", "--parametric-activation", "false"],
    "no data-driven initial values": ["--data-init", "false"],
    "no dropout": ["--dropout", "0"],
    "no label smoothing": ["--label-smoothing", "0"],
    "beta2 0.999": ["--optimizer", "adamw:beta2=0.999"],
    "constant rate": ["--schedule", "constant"],
    "64 epochs": ["--epochs", "64", "--patience", "64"],
    "members": ["--members", "32"],
    "ensemble": ["--ensemble", "5"],
    "nn-realmlp-td-s": table_methods.REALMLP_S,
    "lightgbm": None,
    "realmlp-td": None,
    "realmlp-td-s": None,
    "sklearn-mlp": None,
    "random-forest": None,
}

# With `--train-rows`.
MIN_TEST_ROWS, MAX_TEST_ROWS = 150, 2000


def add_variant(text):
    name, flags = text.split("=", 1)
    VARIANTS[name] = flags.split()


def arguments():
    names, development = table_results.names, table_data.DEVELOPMENT
    # `--add` has an effect on `--variants`, also after it.
    additions = argparse.ArgumentParser(add_help=False)
    additions.add_argument("--add", type=add_variant, action="append")
    additions.parse_known_args()
    parser = table_results.parser(__doc__.splitlines()[0])
    parser.add_argument(
        "--add", action="append", metavar="NAME=FLAGS", help="one more variant"
    )
    parser.add_argument("--folds", type=int, default=5, help="folds or samples of rows")
    parser.add_argument("--rows", type=int, default=5000, help="most rows of a table")
    parser.add_argument("--train-rows", type=int, metavar="N", help="random samples of N rows")
    parser.add_argument("--seeds", type=int, default=1, help="trainings per fold or sample")
    parser.add_argument("--base", default="tabular", help="variant to compare with")
    parser.add_argument("--variants", type=names(VARIANTS), default=[*VARIANTS])
    parser.add_argument("--only", type=names(development), default=development)
    return parser.parse_args()


def folds(table, options):
    """The training and test rows of each fold; none if there are too few rows."""
    train, _ = table.split(0)
    if options.train_rows:
        return samples(train, options.train_rows, options.folds)
    rows = numpy.random.default_rng(0).permutation(train)[: options.rows]
    kind = StratifiedKFold if table.is_classification else KFold
    divided = kind(options.folds, shuffle=True, random_state=0).split(rows, table.targets[rows])
    return [(rows[train], rows[test]) for train, test in divided]


def samples(rows, n_train, n_samples):
    """The training and test rows of each random sample; none if there are too few rows."""
    if len(rows) < n_train + MIN_TEST_ROWS:
        return []
    orders = [numpy.random.default_rng(seed).permutation(rows) for seed in range(n_samples)]
    return [(order[:n_train], order[n_train:][:MAX_TEST_ROWS]) for order in orders]


def method(variant, options, seed):
    flags = VARIANTS[variant]
    if flags is None:
        return table_methods.method(variant, options.nn, seed, options.threads)
    flags = flags if "--preset" in flags else ["--preset", "tabular", *flags]
    return table_methods.Nn(options.nn, flags, seed, options.threads)


def measure(table, fold, seed, rows, variant, options):
    line = {"table": table.name, "fold": fold, "seed": seed, "variant": variant}
    line["rows"] = len(rows[0])
    start = time.perf_counter()
    try:
        scores = method(variant, options, seed).scores(table, *rows)
    except Exception as failure:
        return line | {"failure": f"{type(failure).__name__}: {failure}"[:300]}
    # Half a wrong test row is added, so that a fold without errors counts.
    half_a_row = 0.5 / len(rows[1]) if table.is_classification else 0.0
    return line | scores | {
        "log_error": math.log(scores["error"] + half_a_row),
        "seconds": time.perf_counter() - start,
    }


def interval(differences, are_folds):
    """Mean and half of the 95 % interval of a difference: over folds, whose training rows
    overlap (Nadeau & Bengio 2003), or over samples (Student's t)."""
    n = len(differences)
    overlap = 1 / (n - 1) if are_folds else 0.0
    spread = stdev(differences) * math.sqrt(1 / n + overlap)
    return mean(differences), student.ppf(0.975, n - 1) * spread


def relative_errors(lines, variant, base, tables, n_folds):
    """Per fold, the logarithm of the error relative to `base`, averaged over the tables;
    `None` if a result is missing."""
    differences = []
    for fold in range(n_folds):
        pairs = [
            [log_errors(lines, table, fold, it) for it in (variant, base)] for table in tables
        ]
        if not pairs or any(len(ours) != len(theirs) or not ours for ours, theirs in pairs):
            return None
        differences.append(mean(mean(ours) - mean(theirs) for ours, theirs in pairs))
    return differences


def log_errors(lines, table, fold, variant):
    """The logarithms of the errors with each seed."""
    cell = (table, fold, variant)
    found = [it for it in lines if (it["table"], it["fold"], it["variant"]) == cell]
    return [it["log_error"] for it in found if "log_error" in it]


def percent(logarithm):
    return 100 * (math.exp(logarithm) - 1)


def row(lines, variant, groups, options):
    cells = []
    for tables in groups:
        differences = relative_errors(lines, variant, options.base, tables, options.folds)
        if differences is None:
            cells.append("")
            continue
        middle, half = interval(differences, not options.train_rows)
        low, high = percent(middle - half), percent(middle + half)
        cells.append(f"{percent(middle):+.1f} ({low:+.1f} to {high:+.1f})")
    seconds = [seconds_of(lines, table, variant) for table in groups[0]]
    cells.append("" if None in seconds else f"{sum(seconds):.1f}")
    return f"| {variant} | " + " | ".join(cells) + " |"


def seconds_of(lines, table, variant):
    """The mean time of a training on a table; `None` if there is no result."""
    found = [it for it in lines if (it["table"], it["variant"]) == (table, variant)]
    found = [it["seconds"] for it in found if "seconds" in it]
    return mean(found) if found else None


def record(lines, options, tables):
    base = options.base
    classes = [table.name for table in tables if table.is_classification]
    numbers = [table.name for table in tables if not table.is_classification]
    variants = [it for it in VARIANTS if any(line["variant"] == it for line in lines)]
    head = "| variant | all tables | classes | numbers | seconds |\n|---|---:|---:|---:|---:|"
    groups = [classes + numbers, classes, numbers]
    body = [row(lines, it, groups, options) for it in variants]
    per_table = "| variant | " + " | ".join(classes + numbers) + " |"
    per_table += "\n|---" + "|---:" * len(tables) + "|"
    for variant in variants:
        errors = [
            [it["error"] for it in lines if (it["table"], it["variant"]) == (name, variant) and "error" in it]
            for name in classes + numbers
        ]
        texts = [f"{mean(found):.4g}" if found else "" for found in errors]
        per_table += f"\n| {variant} | " + " | ".join(texts) + " |"
    flags = [f"- {it}: `{' '.join(VARIANTS[it])}`" for it in variants if VARIANTS[it]]
    failed = [f"- {it['table']}, fold {it['fold']}, seed {it['seed']}, {it['variant']}: {it['failure']}" for it in lines if "failure" in it]
    return "\n\n".join(
        [
            "# What each part of the presets for tables is worth",
            f"`scripts/peers/ablation.py`, {about_rows(options)} nn "
            f"{table_methods.version_of('nn', options.nn)}, {options.threads} threads, "
            f"{table_record.machine()}.",
            f"The change of the error (1 - accuracy, or the root mean square error) against `{base}`, "
            "in percent: the geometric mean over the tables, with a 95 % interval. The seconds are "
            "those of one fold or sample of all tables.",
            head + "\n" + "\n".join(body),
            "## Mean errors",
            per_table,
            "## Flags, added to `--preset tabular`",
            "\n".join(flags),
            *(["## Failed", "\n".join(failed)] if failed else []),
        ]
    ) + "\n"


def about_rows(options):
    of = "of the training rows of the first split of the development tables"
    if options.train_rows:
        return (
            f"{options.folds} random samples of {options.train_rows} rows {of}, "
            f"{options.seeds} seeds per sample, tested on at most {MAX_TEST_ROWS} of the other "
            "rows, interval over the samples (Student's t)."
        )
    return (
        f"{options.folds} folds {of}, at most {options.rows} rows of a table, "
        f"{options.seeds} seeds per fold, interval over the folds (Nadeau & Bengio 2003)."
    )


def main():
    options = arguments()
    options.nn = str(Path(options.nn).resolve())
    lines = table_results.read_lines(options.results)
    # Failed cells are tried again.
    lines = [it for it in lines if "failure" not in it or it["variant"] not in options.variants]
    table_results.write_lines(options.results, lines)
    done = {(it["table"], it["fold"], it["seed"], it["variant"]) for it in lines}
    tables = [table_data.load(name, options.tables) for name in options.only]
    tables = [table for table in tables if table is not None and folds(table, options)]
    for table in tables:
        divided = folds(table, options)
        for repetition, (fold, rows) in product(range(options.seeds), enumerate(divided)):
            seed = fold + repetition * options.folds
            for variant in options.variants:
                if (table.name, fold, seed, variant) in done:
                    continue
                line = measure(table, fold, seed, rows, variant, options)
                lines.append(line)
                title = f"{table.name}, fold {fold}, seed {seed}, {variant}"
                table_results.append(options.results, line, title)
    text = record(lines, options, tables)
    if options.record:
        options.record.write_text(text)
    print(text)


main()
