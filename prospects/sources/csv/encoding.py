"""Which encoding a file is in: what can be proved is proved, what is guessed is said to be guessed."""

import codecs
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from charset_normalizer import from_bytes

from prospects.sources.csv.codepages import latin_page, other_alphabet

SAMPLE_BYTES = 256 * 1024
CHUNK_BYTES = 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: the UTF-16 mark is its prefix
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Order matters only for ties: Windows files are the most common by far.
_WESTERN = ("cp1252", "mac_roman", "cp850")
_LETTERS = frozenset("äöüßéèêëàâáãåæçíìîïñóòôõøœúùûýÿÄÖÜÉÈÊÀÂÁÃÅÆÇÍÎÑÓÔÕØŒÚšžŠŽ")
_SIGNS = frozenset("€£–—‘’“”„«»…©®™°·•§²³´¿¡\u00a0")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A Python codec name, how sure it is, and what to tell the user when it is not."""

    name: str
    sure: bool
    errors: str = "strict"
    warning: str = ""


def find_encoding(open_file: Callable[[], BinaryIO]) -> Encoding:
    """The encoding of the whole file: byte-order mark, then UTF-8 without one error, then UTF-16, then a stated guess."""
    with open_file() as file:
        sample = file.read(SAMPLE_BYTES)
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return Encoding(name, sure=True, errors="replace" if name != "utf-8-sig" else "surrogateescape")
    if wide := _wide_without_mark(sample):
        return Encoding(wide, sure=False, errors="replace", warning=f"No byte-order mark; read as {wide}.")
    bad_at = _first_error(open_file, "utf-8")
    if bad_at is None:
        return Encoding("utf-8", sure=True)
    if _mostly_utf8(sample):
        return Encoding(
            "utf-8",
            sure=True,
            errors="surrogateescape",
            warning=f"The file is UTF-8 with damaged bytes (the first near byte {bad_at}); the rows that hold them are named.",
        )
    with open_file() as file:
        file.seek(max(0, bad_at - SAMPLE_BYTES // 2))
        near = file.read(SAMPLE_BYTES)
    name = _guess_bytes(near)
    return Encoding(
        name,
        sure=False,
        errors="surrogateescape",
        warning=f"The file is not UTF-8; read as {name}, a guess from its letters. Look at names with accents before you run.",
    )


def _first_error(open_file: Callable[[], BinaryIO], codec: str) -> int | None:
    """The offset (bytes) of the first chunk that does not decode, or None. Memory: one chunk."""
    decoder = codecs.getincrementaldecoder(codec)()
    offset = 0
    with open_file() as file:
        while chunk := file.read(CHUNK_BYTES):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return offset + error.start
            offset += len(chunk)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return max(0, offset - 1)
    return None


def _wide_without_mark(sample: bytes) -> str:
    """UTF-16 of mostly Latin text has a zero in every second byte."""
    pairs = len(sample) // 2
    if pairs < 2:
        return ""
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    if odd > pairs * 0.6 and even < pairs * 0.1:
        return "utf-16-le"
    if even > pairs * 0.6 and odd < pairs * 0.1:
        return "utf-16-be"
    return ""


def _mostly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", errors="surrogateescape")
    damaged = sum(1 for c in text if "\udc80" <= c <= "\udcff")
    whole = sum(1 for c in text if ord(c) > 127) - damaged
    return whole > 0 and whole >= 2 * damaged


def _guess_bytes(sample: bytes) -> str:
    """cp1252, mac_roman or cp850 by the company each byte keeps; other pages by their letters; the rest by
    charset-normalizer; else cp1252."""
    votes = {name: _western_score(sample, name) for name in _WESTERN}
    best = max(_WESTERN, key=lambda name: votes[name])
    if best == "cp1252" and (other := latin_page(sample)):
        return other
    if votes[best] >= 0.5:
        return best
    if other := latin_page(sample) or other_alphabet(sample):
        return other
    found = from_bytes(sample).best()
    return found.encoding if found is not None and found.encoding != "ascii" else "cp1252"


def _western_score(sample: bytes, codec: str) -> float:
    """Mean vote per non-ASCII character: letters inside words and usual signs count for, the rest against."""
    text = " " + sample.decode(codec, errors="replace") + " "
    score, seen, in_row = 0.0, 0, 0
    for i in range(1, len(text) - 1):
        c = text[i]
        if c < "\x80":
            in_row = 0
            continue
        seen += 1
        in_row += 1
        beside_letter = text[i - 1].isalpha() or text[i + 1].isalpha()
        if in_row > 2:  # three accents in a row are another alphabet
            score -= 1
        elif c in _LETTERS:
            # A capital accent after a small letter is what the wrong code page shows for a small one.
            score += -0.5 if c.isupper() and text[i - 1].islower() else 1
        elif c in _SIGNS:
            score += -0.5 if text[i - 1].isalpha() and text[i + 1].isalpha() and c not in "’´·\u00a0" else 0.6
        elif beside_letter or not c.isprintable() or c == "\ufffd":
            score -= 1
    return score / seen if seen else 0.0


def open_text(file: BinaryIO, encoding: Encoding) -> io.TextIOWrapper:
    """A text stream over `file` whose line ends are kept as they are."""
    return io.TextIOWrapper(file, encoding=encoding.name, errors=encoding.errors, newline="")
