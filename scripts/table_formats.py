#!/usr/bin/env python3
"""Writes one table in several formats: the files of a test, and seeds of fuzz targets.

    python scripts/table_formats.py

writes to crates/nn-table/tests/files and to fuzz/corpus. Needs numpy, pandas and pyarrow.
"""

import datetime
import decimal
import io
from pathlib import Path

import numpy
import pandas
import pyarrow
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

ROOT = Path(__file__).parent.parent
N_ROWS = 24
CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


def table():
    """Columns of all types; the class depends on some of them."""
    rows = range(N_ROWS)
    midnight = datetime.datetime(2024, 2, 27, 23, 30)
    columns = {
        "amount": pyarrow.array([None if i % 7 == 3 else i * 0.1 for i in rows]),
        "single": pyarrow.array([i * 0.3 for i in rows], pyarrow.float32()),
        "count": pyarrow.array([i * i - 40 for i in rows], pyarrow.int16()),
        "flag": pyarrow.array([None if i == 5 else i % 3 == 0 for i in rows]),
        "color": pyarrow.array([[None, "red", " blue ", "green"][i % 4] for i in rows]),
        "written": pyarrow.array([f"{i * 1.5:.2f} EUR" for i in rows]),
        "size": pyarrow.array([["s", "m", "l"][i % 3] for i in rows]).dictionary_encode(),
        "day": pyarrow.array([datetime.date(2023, 12, 20 + i % 9) for i in rows]),
        "time": pyarrow.array([midnight + datetime.timedelta(minutes=7 * i) for i in rows]),
        "price": pyarrow.array([decimal.Decimal(i * 125 - 300) / 100 for i in rows],
                               pyarrow.decimal128(9, 2)),
        "code": pyarrow.array([9007199254740993 + i % 5 for i in rows]),
        "kind": pyarrow.array(["even" if i % 2 == 0 else "odd" for i in rows]),
    }
    return pyarrow.table(columns)


def parquet(table, **options):
    file = io.BytesIO()
    defaults = {"store_schema": False, "write_statistics": False, "compression": "none"}
    pyarrow.parquet.write_table(table, file, **(defaults | options))
    return file.getvalue()


def arrow(table, compression=None):
    file = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(compression=compression)
    with pyarrow.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=10)
    return file.getvalue()


def npy(array):
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def npz(save=numpy.savez, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()



def numbers():
    return numpy.array([[i * 0.5, i * i % 7, i % 2] for i in range(N_ROWS)])


def seeds(whole):
    """Small files for each fuzz target."""
    numeric = whole.select(["amount", "count", "kind"])
    text = whole.select(["color", "size", "kind"])
    dates = whole.select(["day", "time", "kind"])
    exact = whole.select(["price", "code", "flag", "kind"])
    nested = whole.select(["count", "kind"]).append_column(
        "list", pyarrow.array([[i, i + 1] for i in range(N_ROWS)])
    )
    parts = {"numbers": numeric, "text": text, "dates": dates, "exact": exact, "nested": nested}
    yield from (("parquet", name, parquet(part)) for name, part in parts.items())
    yield from (("parquet", codec, parquet(numeric, compression=codec)) for codec in CODECS[1:])
    yield "parquet", "plain", parquet(exact, use_dictionary=False)
    yield "parquet", "pages-of-version-2", parquet(
        text, data_page_version="2.0", compression="snappy", row_group_size=10
    )
    for encoding, column in [
        ("DELTA_BINARY_PACKED", "count"),
        ("DELTA_LENGTH_BYTE_ARRAY", "kind"),
        ("DELTA_BYTE_ARRAY", "kind"),
        ("BYTE_STREAM_SPLIT", "single"),
    ]:
        part = whole.select(["count", "single", "kind"])
        yield "parquet", encoding.lower().replace("_", "-"), parquet(
            part, use_dictionary=False, column_encoding={column: encoding}
        )
    yield "parquet", "time-of-96-bits", parquet(
        dates, use_deprecated_int96_timestamps=True
    )
    yield from (("arrow", name, arrow(part)) for name, part in parts.items())
    yield "arrow", "lz4", arrow(numeric, "lz4")
    yield "arrow", "views", arrow(
        text.set_column(0, "color", text["color"].cast(pyarrow.string_view()))
    )
    yield "npy", "numbers", npy(numbers())
    yield "npy", "fortran", npy(numpy.asfortranarray(numbers().astype(">f4")))
    yield "npy", "bytes", npy(numbers().astype(numpy.uint8))
    yield "npy", "booleans", npy(numbers() > 2)
    yield "npy", "halves", npy(numbers().astype(numpy.float16))
    yield "npy", "texts", npy(numpy.array([["a", "é"], ["b", "ee"], ["a", "é"]]))
    yield "npy", "dates", npy(numpy.array([["2024-01-01", "2024-02-03"]] * 3, "datetime64[us]"))
    yield "npy", "objects", npy(numpy.array([None, {}], dtype=object))
    yield "npy", "three-dimensions", npy(numpy.arange(24, dtype=numpy.int32).reshape(4, 3, 2))
    record = numpy.dtype([("x", "<f8"), ("n", "|i1"), ("word", "<U3"), ("y", "<i4")])
    records = [(i * 0.5, i, "abc"[i % 3], i % 2) for i in range(10)]
    yield "npy", "fields", npy(numpy.array(records, record))
    x, y = numbers()[:, :2], numbers()[:, 2].astype(numpy.uint8)
    yield "npz", "x-and-y", npz(X=x, y=y)
    yield "npz", "compressed", npz(numpy.savez_compressed, x=x, y=y)
    yield "npz", "one", npz(table=x)
    yield "npz", "columns", npz(a=x[:, 0], b=x[:, 1], label=y)
    yield "npz", "four", npz(x_train=x, y_train=y, x_test=x, y_test=y)
    yield "npz", "uneven", npz(x=x, y=y[1:])


def main():
    whole = table()
    files = ROOT / "crates/nn-table/tests/files"
    files.mkdir(parents=True, exist_ok=True)
    # pandas writes nullable booleans as booleans only in its own types.
    frame = whole.to_pandas().astype({"flag": "boolean"})
    frame.to_csv(files / "table.csv", index=False)
    (files / "none.parquet").write_bytes(parquet(whole))
    few = whole.select(["amount", "color", "kind"])
    for codec in CODECS[1:]:
        (files / f"{codec}.parquet").write_bytes(
            parquet(few, compression=codec, row_group_size=20)
        )
    (files / "version-2.parquet").write_bytes(
        parquet(few, data_page_version="2.0", compression="zstd", use_dictionary=False)
    )
    lists = pyarrow.array([[i, i + 1] for i in range(N_ROWS)])
    nested = whole.select(["count", "kind"]).append_column("list", lists)
    (files / "nested.parquet").write_bytes(parquet(nested))
    frame.to_parquet(files / "pandas.parquet", index=False)
    (files / "none.arrow").write_bytes(arrow(whole))
    (files / "lz4.arrow").write_bytes(arrow(whole, "lz4"))
    (files / "few.arrow").write_bytes(arrow(few, "lz4"))
    pandas.DataFrame(numbers()).to_csv(files / "numbers.csv", index=False, header=False)
    (files / "numbers.npy").write_bytes(npy(numbers()))
    (files / "fortran.npy").write_bytes(npy(numpy.asfortranarray(numbers())))
    x, y = numbers()[:, :2], numbers()[:, 2]
    (files / "x-and-y.npz").write_bytes(npz(numpy.savez_compressed, X=x, y=y))
    for target, name, content in seeds(whole):
        folder = ROOT / "fuzz/corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        # The first byte chooses the options of reading.
        (folder / name).write_bytes(b"\0" + content)


if __name__ == "__main__":
    main()
