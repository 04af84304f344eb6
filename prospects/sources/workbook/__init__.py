"""Workbooks (Excel, OpenDocument, and pages of HTML or XML that call themselves .xls) as rows of text.

The file is untrusted and its parsers are native code, so they run in a process of their own with a limit on memory,
processor time and output: a bomb ends that process, not a worker.
"""

import io
import json
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from prospects.sources.workbook.convert import FAILED, MAX_OUTPUT, SECONDS

MAX_UNPACKED = 512 * 2**20  # bytes of the parts inside an archive or workbook
_CONVERT = Path(__file__).with_name("convert.py")
_TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".tab")
_SAVE_AS = "Open it and choose Save as, CSV UTF-8, then upload that file."


class WorkbookError(Exception):
    """The workbook cannot be read, in words; `remedy` is what the user can do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message, self.remedy = message, remedy


def kind_of(head: bytes) -> str:
    """What the first bytes (a few thousand) say the file is, whatever its name: zip, xls, html, xml, gzip, or ""."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<meta", b"<head", b"<style")):
        return "html"
    if text.startswith(b"<?xml"):
        return "xml" if b"spreadsheet" in text else ("html" if b"<html" in text or b"<table" in text else "")
    return ""


def unpacked(source: bytes | Path) -> bytes | None:
    """The one table inside a .gz or .zip file; None where it is no such archive but a workbook. Raises WorkbookError."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        return _gunzip(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _only_member(archive)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise WorkbookError(
            "The file is a damaged archive or workbook.", "Open it in the program that made it and save it again."
        ) from error


def _gunzip(data: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        text = reader.decompress(data, MAX_OUTPUT + 1)
    except zlib.error as error:
        raise WorkbookError("The compressed file is damaged.", "Pack it again, or upload it unpacked.") from error
    if len(text) > MAX_OUTPUT:
        raise WorkbookError(f"Unpacked, the file is larger than {MAX_OUTPUT // 2**20} MB.", "Split it.")
    return text


def _only_member(archive: zipfile.ZipFile) -> bytes | None:
    members = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith(("__MACOSX/", "."))]
    names = [i.filename for i in members]
    if sum(i.file_size for i in members) > MAX_UNPACKED:
        raise WorkbookError(
            f"Unpacked, the file is larger than {MAX_UNPACKED // 2**20} MB; such a file is not opened.",
            "Split the table, or save it as CSV UTF-8.",
        )
    if any(name.startswith(("xl/", "Xl/", "XL/")) for name in names) or "content.xml" in names:
        return None
    if any(name.startswith("word/") for name in names):
        raise WorkbookError("This is a Word document.", "Copy the table into a spreadsheet and upload that.")
    if any(name.endswith(".iwa") or name.startswith("Index/") or name == "Index.zip" for name in names):
        raise WorkbookError(
            "This is an Apple Numbers or Pages file.", "Choose File, Export to, CSV, then upload that file."
        )
    tables = [i for i in members if i.filename.lower().endswith(_TABLE_ENDINGS)]
    if len(tables) != 1:
        raise WorkbookError(
            "This is an archive of several files." if len(tables) > 1 else "This is an archive without a CSV file.",
            "Unpack it, then upload the one file you mean.",
        )
    with archive.open(tables[0]) as file:
        text = file.read(MAX_OUTPUT + 1)
    if len(text) > MAX_OUTPUT:
        raise WorkbookError(f"Unpacked, the file is larger than {MAX_OUTPUT // 2**20} MB.", "Split it.")
    return text


def rows_of(source: bytes | Path, *, kind: str, sheet: str = "") -> bytes:
    """The rows of one sheet (the fullest visible one, unless named) as lines of JSON, after a line that says what they
    are. Raises WorkbookError for what is protected, damaged, or beyond the limits."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_CONVERT), kind, sheet], input=data, capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise WorkbookError(
            f"The workbook took longer than {SECONDS} seconds to read.",
            f"It may be damaged or far too large. {_SAVE_AS}",
        ) from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == FAILED:
        told = json.loads(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1])
        raise WorkbookError(told["message"], told["remedy"] or _SAVE_AS)
    raise WorkbookError(
        "Reading the workbook needs more memory or time than is allowed.",
        f"A cell far below or right of the table may be the cause: delete empty rows and columns. Or: {_SAVE_AS}",
    )
