"""The command line and the file of results that the programs on tables share."""

import argparse
import json
import os
import sys
from pathlib import Path


def parser(description):
    """A parser with the options of all programs on tables."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--nn", required=True, help="the program nn")
    parser.add_argument("--tables", required=True, help="folder of the CSV files")
    parser.add_argument("--results", required=True, type=Path, help="file of the results")
    parser.add_argument("--record", type=Path, help="file of the record")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser


def names(all_names):
    """A type of arguments: names of `all_names`, separated by commas."""

    def parse(text):
        found = [name for name in text.split(",") if name]
        unknown = [name for name in found if name not in all_names]
        if unknown:
            known = ", ".join(all_names)
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {known}")
        return found

    return parse


def read_lines(path):
    """The lines of the results; a last line that was cut off by an interruption is dropped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            print(f"{path}: dropped a damaged line", file=sys.stderr)
    write_lines(path, lines)
    return lines


def write_lines(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def append(path, line, title):
    """Adds a result to the file, and shows it."""
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    shown = line.get("failure") or f"error {line['error']:.4f}, {line['seconds']:.1f} s"
    print(f"{title}: {shown}", file=sys.stderr, flush=True)
