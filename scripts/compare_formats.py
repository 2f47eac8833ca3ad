#!/usr/bin/env python3
"""Checks that `nn` reads the same table from a CSV file and from other formats.

    python scripts/compare_formats.py --nn target/debug/nn FILE.csv...

pandas reads each file, which needs names in its first row; pyarrow and polars write it in
many ways. `nn` must be built with the features parquet and arrow. Exits with 1 on a
difference. Needs pandas, pyarrow and polars.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas
import polars
import pyarrow
import pyarrow.feather
import pyarrow.parquet

CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


def columns(nn, path):
    """What `nn` finds in each column."""
    command = [nn, "data", "info", path, "--json"]
    info = subprocess.run(command, capture_output=True, text=True)
    if info.returncode not in (0, 3) or not info.stdout:
        return info.stderr
    keys = ["name", "type", "missing", "distinct", "range"]
    return [[column[key] for key in keys] for column in json.loads(info.stdout)["table"]["columns"]]


def encodings(table):
    """Encodings of Parquet that writers choose rarely."""
    for field in table.schema:
        if pyarrow.types.is_integer(field.type):
            yield field.name, "DELTA_BINARY_PACKED"
        elif pyarrow.types.is_floating(field.type):
            yield field.name, "BYTE_STREAM_SPLIT"
        elif pyarrow.types.is_string(field.type) or pyarrow.types.is_large_string(field.type):
            yield field.name, "DELTA_BYTE_ARRAY"


def write(frame, folder):
    """Writes the table in many ways; yields the files."""
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)

    def parquet(name, **options):
        path = folder / f"{name}.parquet"
        pyarrow.parquet.write_table(table, path, row_group_size=5000, **options)
        return path

    for codec in CODECS:
        for version in ["1.0", "2.0"]:
            yield parquet(f"{codec}-{version}", compression=codec, data_page_version=version)
    rare = dict(encodings(table))
    yield parquet("plain", use_dictionary=False)
    yield parquet("rare", use_dictionary=False, column_encoding=rare)
    for codec in ["uncompressed", "snappy", "zstd", "lz4"]:
        path = folder / f"polars-{codec}.parquet"
        polars.from_pandas(frame).write_parquet(path, compression=codec)
        yield path
    for codec in ["uncompressed", "zstd", "lz4"]:
        path = folder / f"polars-{codec}.arrow"
        polars.from_pandas(frame).write_ipc(path, compression=codec)
        yield path
        path = folder / f"{codec}.feather"
        pyarrow.feather.write_feather(table, str(path), compression=codec, chunksize=1000)
        yield path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nn", required=True)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    n_different = 0
    for file in arguments.files:
        with tempfile.TemporaryDirectory() as folder:
            frame = pandas.read_csv(file)
            csv = Path(folder) / "table.csv"
            frame.to_csv(csv, index=False)
            expected = columns(arguments.nn, csv)
            for path in write(frame, Path(folder)):
                found = columns(arguments.nn, path)
                if found != expected:
                    n_different += 1
                    print(f"{file}: {path.name} is another table: {found}")
        print(f"{file}: compared")
    sys.exit(n_different > 0)


if __name__ == "__main__":
    main()
