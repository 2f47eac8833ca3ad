"""Trains `nn` and other methods on public tables, each with its defaults.

    python scripts/peers/tables.py --nn target/debug/nn --tables DIR --results FILE.jsonl

`cargo xtask bench tables` installs the packages and starts this program. Every result is
appended to FILE.jsonl: one line of JSON per table, split and method. Results that the file
has are not computed again, so a benchmark can be interrupted and continued, and spread over
several calls. With `--record FILE.md`, the record of all results is written.
"""

import sys
import time
from pathlib import Path

import table_data
import table_methods
import table_record
import table_results


def arguments():
    parser = table_results.parser(__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=5, help="splits per table")
    parser.add_argument(
        "--methods",
        type=table_results.names(table_methods.NAMES),
        default=[*table_methods.NAMES],
    )
    parser.add_argument(
        "--only", type=table_results.names(table_data.NAMES), default=[*table_data.NAMES]
    )
    return parser.parse_args()


def key(line):
    return line["table"], line["split"], line["method"]


def measure(table, split, name, options):
    """One line of the results."""
    train, test = table.split(split)
    version = table_methods.version_of(name, options.nn)
    line = {
        "table": table.name,
        "split": split,
        "method": name,
        "version": version,
        "threads": options.threads,
        "machine": table_record.machine(),
    }
    method = table_methods.method(name, options.nn, split, options.threads)
    start = time.perf_counter()
    try:
        scores = method.scores(table, train, test)
    except Exception as failure:
        return line | {"failure": f"{type(failure).__name__}: {failure}"[:300]}
    return line | scores | {"seconds": time.perf_counter() - start}


def main():
    options = arguments()
    options.nn = str(Path(options.nn).resolve())
    lines = table_results.read_lines(options.results)
    # Failed cells are tried again.
    lines = [line for line in lines if "failure" not in line or line["method"] not in options.methods]
    table_results.write_lines(options.results, lines)
    done = {key(line) for line in lines}
    for name in options.only:
        table = table_data.load(name, options.tables)
        if table is None:
            print(f"{name}: not in {options.tables}, skipped", file=sys.stderr)
            continue
        for split in range(options.splits):
            for method in options.methods:
                if (name, split, method) in done:
                    continue
                line = measure(table, split, method, options)
                lines.append(line)
                table_results.append(options.results, line, f"{name}, split {split}, {method}")
    tables = {line["table"] for line in lines}
    loaded = {name: table_data.load(name, options.tables) for name in tables}
    n_rows = {name: len(table.targets) for name, table in loaded.items() if table is not None}
    text = table_record.record([line for line in lines if line["table"] in n_rows], n_rows)
    if options.record:
        options.record.write_text(text)
    print(text)


main()
