"""The Markdown record of the benchmark `tables`, from its lines of JSON."""

import math
import platform
from statistics import mean

import table_data

REFERENCE = "lightgbm"


def record(lines, n_rows):
    """The record as Markdown; `n_rows` has the number of rows of each table. Lines of failed
    cells are listed, and count as missing."""
    cells = [line for line in lines if "error" in line]
    failed = [line for line in lines if "failure" in line]
    methods = list(dict.fromkeys(line["method"] for line in cells))
    tables = [name for name in table_data.NAMES if any(line["table"] == name for line in cells)]
    groups = {
        "Development tables, on which settings of `nn` were chosen": [
            name for name in tables if name in table_data.DEVELOPMENT
        ],
        "Other tables": [name for name in tables if name not in table_data.DEVELOPMENT],
    }
    parts = ["# Tables: `nn` and other methods, each with its defaults", about(cells)]
    for title, names in groups.items():
        if names:
            parts += [f"## {title}", summary(cells, names, methods, n_rows)]
    for key, title, note in [
        ("error", "Errors", "1 - accuracy, or the root mean square error for numbers."),
        ("log_loss", "Log losses", "In nats; only for classes."),
        ("seconds", "Seconds", "Training and predicting; `nn` also starts and reads a file. Comparable only on an idle machine."),
    ]:
        parts += [f"## {title}", note + " Mean over the splits.", grid(cells, key, tables, methods)]
    if failed:
        listed = [f"- {it['table']}, split {it['split']}, {it['method']}: {it['failure']}" for it in failed]
        parts += ["## Failed", "\n".join(listed)]
    return "\n\n".join(parts) + "\n"


def about(cells):
    versions = {line["method"]: line["version"] for line in cells}
    listed = ", ".join(f"{method} {version}" for method, version in versions.items())
    splits = sorted({line["split"] for line in cells})
    threads = sorted({line["threads"] for line in cells})
    machines = sorted({line["machine"] for line in cells})
    return (
        f"{len(splits)} splits per table: 80 % training rows and 20 % test rows, the same for all "
        f"methods, stratified by class. Threads: {', '.join(map(str, threads))}. "
        f"Machine: {'; '.join(machines)}. Versions: {listed}.\n\n"
        "*Relative error*: geometric mean over the tables of the error divided by the error of "
        f"{REFERENCE}. For classes, half a wrong test row is added to both errors, so that a table "
        "without errors counts. *Mean rank*: 1 is the lowest error of a table. A method has a summary "
        f"if it has all splits of all tables of the group that {REFERENCE} has."
    )


def mean_of(cells, table, method, key):
    values = [
        line[key] for line in cells if line["table"] == table and line["method"] == method
    ]
    values = [value for value in values if value is not None]
    return mean(values) if values else None


def n_cells(cells, table, method):
    return sum(line["table"] == table and line["method"] == method for line in cells)


def summary(cells, tables, methods, n_rows):
    """Relative errors, mean ranks and seconds of the methods that have all cells."""
    tables = [name for name in tables if n_cells(cells, name, REFERENCE) > 0]
    has_all = [
        method
        for method in methods
        if tables
        and all(
            n_cells(cells, name, method) == n_cells(cells, name, REFERENCE) for name in tables
        )
    ]
    if not has_all:
        return f"There are no results of {REFERENCE} to compare with."
    ranks = {method: [] for method in has_all}
    for name in tables:
        errors = [(mean_of(cells, name, method, "error"), method) for method in has_all]
        for error, method in errors:
            below = sum(other < error for other, _ in errors)
            equal = sum(other == error for other, _ in errors)
            ranks[method].append(below + (equal + 1) / 2)
    lines = ["| method | relative error | mean rank | seconds |", "|---|---:|---:|---:|"]
    for method in sorted(has_all, key=lambda method: mean(ranks[method])):
        logs = [log_ratio(cells, name, method, n_rows[name]) for name in tables]
        seconds = sum(mean_of(cells, name, method, "seconds") for name in tables)
        lines.append(
            f"| {method} | {math.exp(mean(logs)):.3f} | {mean(ranks[method]):.2f} | {seconds:.1f} |"
        )
    return "\n".join(lines) + f"\n\nTables: {', '.join(tables)}."


def log_ratio(cells, table, method, n_rows):
    is_classification = mean_of(cells, table, method, "log_loss") is not None
    half_a_row = 0.5 / (table_data.TEST_FRACTION * n_rows) if is_classification else 0.0
    errors = [mean_of(cells, table, it, "error") for it in (method, REFERENCE)]
    return math.log((errors[0] + half_a_row) / (errors[1] + half_a_row))


def grid(cells, key, tables, methods):
    lines = ["| table | " + " | ".join(methods) + " |", "|---" + "|---:" * len(methods) + "|"]
    for name in tables:
        values = [mean_of(cells, name, method, key) for method in methods]
        if all(value is None for value in values):
            continue
        texts = ["" if value is None else f"{value:.4g}" for value in values]
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def machine():
    """The name of the processor."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        return f"{names[0]}, {len(names)} logical processors"
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
