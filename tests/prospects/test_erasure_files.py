"""Uploaded files are looked through for whoever was erased, packed ones too; what cannot be looked through is taken to hold them."""

import gzip
import io
import zipfile

import pytest

from prospects.actions import erasure_sweep

MARKS = [b"zyxqa@wvutski.example"]
NAMED, OTHER = b"email\nZyxqa@Wvutski.example\n", b"email\ntom@x.example\n"


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/first.csv", OTHER)
        archive.writestr("a/second.csv", content)
    return file.getvalue()


def unknown_packing(content: bytes) -> bytes:
    """A zip archive packed in a way zipfile does not know."""
    return zipped(content).replace(b"\x08\x00", b"\x63\x00")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zipped, lambda content: gzip.compress(zipped(content))])
def test_a_file_is_looked_through_however_it_is_packed(pack) -> None:
    assert erasure_sweep._holds(pack(NAMED), MARKS)
    assert not erasure_sweep._holds(pack(OTHER), MARKS)


@pytest.mark.parametrize(
    "broken",
    [
        gzip.compress(OTHER * 50)[:-12],
        gzip.compress(OTHER)[:12] + b"\xff" * 30,
        zipped(OTHER)[:60],
        zipped(OTHER)[:45] + b"\xff" * 8 + zipped(OTHER)[53:],
        unknown_packing(OTHER),
    ],
    # Named: what packs tells the time, and every process of a run must collect the same tests.
    ids=["cut gzip", "damaged gzip", "cut zip", "damaged zip", "unknown packing"],
)
def test_what_cannot_be_unpacked_is_taken_to_hold_them(broken: bytes) -> None:
    assert erasure_sweep._holds(broken, MARKS)


@pytest.mark.parametrize("pack", [gzip.compress, zipped])
def test_what_unpacks_to_more_than_is_looked_at_is_taken_to_hold_them(pack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure_sweep, "MOST_UNPACKED", 1000)
    assert erasure_sweep._holds(pack(OTHER * 100), MARKS)
