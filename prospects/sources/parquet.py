"""Parquet files as CSV, read by a process of its own: a hostile file can neither crash nor fill the one that serves pages."""

import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 120


class ParquetError(Exception):
    """The file cannot be read, in words with a remedy."""


def is_parquet(content: bytes) -> bool:
    return content.startswith(b"PAR1")


def as_csv(content: bytes, *, most_rows: int) -> bytes:
    """The rows as CSV, lists joined by ";". Raises ParquetError for what is damaged, or unpacks to more than it should."""
    with tempfile.TemporaryDirectory(prefix="leadgen-parquet-") as folder:
        path = Path(folder) / "file.parquet"
        path.write_bytes(content)
        out = Path(folder) / "file.csv"
        reader = Path(__file__).with_name("parquet_reader.py")
        command = [sys.executable, "-P", str(reader), str(path), str(out), str(most_rows)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, cwd=folder)
        except subprocess.TimeoutExpired as error:
            raise ParquetError("The Parquet file takes too long to read. Split it, or export it as CSV.") from error
        if done.returncode == 3:
            raise ParquetError(done.stdout.decode("utf-8", "replace").strip()[:300])
        if done.returncode:
            raise ParquetError("The Parquet file cannot be read: it is damaged. Export it again, or as CSV.")
        return out.read_bytes()
