"""`parquet_reader.py IN OUT ROWS`: a Parquet file as CSV, by DuckDB with little memory and no way out.

Why DuckDB: one wheel of 24 MB without dependencies, a limit of memory it keeps to, rows as a stream (pyarrow is 55 MB, polars
54 MB; fastparquet needs pandas and unpacks whole row groups into memory, whatever a file claims). Ends with 3 and its words on
stdout for a file that is refused.
"""

import csv
import resource
import sys

import duckdb

MAX_COLUMNS, MAX_UNPACKED, MAX_CSV = 300, 1024**3, 200 * 1024 * 1024
MEMORY, ADDRESS_SPACE = "256MB", 4 * 1024**3


class Refused(Exception):
    pass


def main(path: str, out: str, most_rows: int) -> None:
    connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY, "threads": 1, "temp_directory": ""})
    for setting in (
        "SET autoinstall_known_extensions=false", "SET autoload_known_extensions=false", f"SET allowed_paths=['{path}']",
        "SET enable_external_access=false", "SET lock_configuration=true",
    ):  # fmt: skip
        connection.execute(setting)
    # What the footer claims is looked at before a byte is unpacked; what comes is counted all the same.
    claimed = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [path]).fetchone()
    if claimed is not None and claimed[0] > most_rows:
        raise Refused(f"The file has {claimed[0]:,} rows; at most {most_rows:,} are read. Split it.")
    sizes = connection.execute("SELECT sum(total_uncompressed_size) FROM parquet_metadata(?)", [path]).fetchone()
    if sizes is not None and sizes[0] is not None and sizes[0] > MAX_UNPACKED:
        raise Refused(
            f"The file unpacks to {sizes[0] // 2**20:,} MB; at most {MAX_UNPACKED // 2**20:,} are read. Split it."
        )
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
    if len(described) > MAX_COLUMNS:
        raise Refused(f"The file has {len(described):,} columns; at most {MAX_COLUMNS} are read.")
    columns = ", ".join(_column(name, kind) for name, kind, *_ in described)
    rows = connection.execute(f"SELECT {columns} FROM read_parquet(?)", [path])  # noqa: S608  names are quoted
    count = 0
    with open(out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([name for name, *_ in described])
        while part := rows.fetchmany(2000):
            count += len(part)
            writer.writerows([["" if cell is None else cell for cell in row] for row in part])
            if count > most_rows or file.tell() > MAX_CSV:
                raise Refused(f"The file holds more than {most_rows:,} rows or {MAX_CSV // 2**20} MB. Split it.")


def _column(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    listed = kind.endswith("[]") and "STRUCT" not in kind and "MAP" not in kind and kind.count("[]") == 1
    return f"array_to_string({quoted}, '; ')" if listed else f"CAST({quoted} AS VARCHAR)"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except Refused as refusal:
        sys.stdout.write(str(refusal))
        sys.exit(3)
    except duckdb.Error as failure:
        sys.stdout.write(
            f"The Parquet file cannot be read: {str(failure).splitlines()[0][:160]} Export it again, or as CSV."
        )
        sys.exit(3)
