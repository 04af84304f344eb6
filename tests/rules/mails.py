"""Building mails as bytes for the tests of what is read out of them."""

import csv
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaigns.rules.inbound import read_mail

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DATA = Path(os.environ.get("LEADGEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the sample data is not at {DATA}")
THREAD = ("In-Reply-To: <m2@leadgen.example>",)


def raw_mail(
    body="Hello", *, subject="Re: Hello", sender="Bob <bob@acme.example>", extra=(), kind="text/plain; charset=utf-8"
):
    headers = [
        f"From: {sender}", "To: Ana <ana@leadgen.example>", f"Subject: {subject}", "Date: Sat, 21 Nov 2026 10:00:00 +0100",
        "Message-ID: <r1@acme.example>", "MIME-Version: 1.0", f"Content-Type: {kind}", *extra,
    ]  # fmt: skip
    return "\r\n".join([*headers, "", body]).encode()


def read(body="Hello", **parts):
    return read_mail(raw_mail(body, **parts), received=NOW)


def rows_of(name):
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))


def half_of(key):
    """Which half of a corpus a row belongs to: "tune" was looked at while writing rules, "hold" was not."""
    return "tune" if hashlib.sha256(key.encode()).digest()[0] % 2 == 0 else "hold"
