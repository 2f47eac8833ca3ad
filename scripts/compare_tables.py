#!/usr/bin/env python3
"""Compares how `nn data info` and pandas read tables.

    python scripts/compare_tables.py --nn target/debug/nn FILE.csv...

For each file: number of rows and columns, and per column the missing values, the
distinct values and whether it holds numbers. pandas gets the separator and the header
that `nn` found, and the same marks of missing values. Exits with 1 on a difference.
Needs pandas.
"""

import argparse
import json
import subprocess
import sys

import pandas

MARKS = ["", "NA", "N/A", "NaN", "null", "None", "?", "-"]
SEPARATORS = {
    "commas": ",",
    "semicolons": ";",
    "tabs": "\t",
    "vertical bars": "|",
    "blanks": r"\s+",
}


def read_with_pandas(path, table):
    """The table, with booleans as words, as `nn` reads them."""
    return pandas.read_csv(
        path,
        sep=SEPARATORS[table["separator"]],
        header=0 if table["header"] else None,
        names=None if table["header"] else [column["name"] for column in table["columns"]],
        na_values=MARKS,
        keep_default_na=False,
        skipinitialspace=True,
        true_values=[],
        false_values=[],
    )


def differences(path, nn):
    """The differences between `nn` and pandas, as lines of text."""
    command = [nn, "data", "info", path, "--json"]
    info = subprocess.run(command, check=True, capture_output=True, text=True)
    table = json.loads(info.stdout)["table"]
    frame = read_with_pandas(path, table)
    if len(frame) != table["rows"]:
        yield f"rows: nn {table['rows']}, pandas {len(frame)}"
    if len(frame.columns) != len(table["columns"]):
        yield f"columns: nn {len(table['columns'])}, pandas {len(frame.columns)}"
        return
    for column, name in zip(table["columns"], frame.columns):
        cells = frame[name]
        is_number = pandas.api.types.is_numeric_dtype(cells) and cells.dtype != bool
        found = {
            "number": is_number,
            "missing": int(cells.isna().sum()),
            "distinct": int(cells.nunique()),
        }
        ours = {
            "number": column["type"] == "number",
            "missing": column["missing"],
            "distinct": column["distinct"] or found["distinct"],
        }
        for what in found:
            if ours[what] != found[what]:
                yield f"column {column['name']}: {what}: nn {ours[what]}, pandas {found[what]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nn", default="nn", help="the program (default: nn)")
    parser.add_argument("files", nargs="+", metavar="FILE")
    arguments = parser.parse_args()
    n_differences = 0
    for path in arguments.files:
        found = list(differences(path, arguments.nn))
        n_differences += len(found)
        print(f"{path}: {'equal' if not found else ''}")
        for line in found:
            print(f"  {line}")
    sys.exit(1 if n_differences else 0)


if __name__ == "__main__":
    main()
