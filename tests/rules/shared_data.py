"""Files of ../shared/data, read where they are; a test that needs one skips where it is absent."""

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("LEADGEN_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def data_file(name: str) -> Path:
    """The path of a shared file or folder; skips the test without it."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no {path}: set LEADGEN_DATA to the folder with the shared data")
    return path
