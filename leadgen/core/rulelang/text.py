"""How text is compared, so that Python and PostgreSQL give the same answer for every character.

Upper-casing differs between engines, operating systems and Unicode versions (Python turns ß into SS, PostgreSQL's simple
mapping keeps it). The shared definition is the *simple* upper-case mapping of PostgreSQL 18's built-in locale C.UTF-8
(Unicode 16, one code point to one code point, the same on every machine), in which our databases are made. `fold`
reproduces it; a test compares all 1.1 million code points with the database, and a system check names a database made
otherwise. So: "i" and "ı" are equal, "İ" is not; "ß" equals only itself and
"ẞ" does not equal it; a combining mark is a character of its own. Values in rules are NFC; facts are compared as stored.
"""

import re

from django.db import connection

# Upper-case mappings that Unicode 16 added and the interpreter's tables (15.0 in Python 3.12, 15.1 in 3.13) lack.
_UNICODE_16 = {
    0x19B: 0xA7DC,
    0x264: 0xA7CB,
    0x1C8A: 0x1C89,
    0xA7CD: 0xA7CC,
    0xA7DB: 0xA7DA,
} | {code: code - 0x20 for code in range(0x10D70, 0x10D86)}

# What counts as a gap between words. "+" and "#" are letters of C++ and C#, so they are not here.
SEPARATORS = (
    "\t\n\r\x0b\x0c,;:/\\|()[]{}<>\"'!?*=~^_-.&@%$`\u00a0\u00b7\u2010\u2011\u2012\u2013\u2014\u2019\u2022\u3000"
)
_GAPS = str.maketrans(SEPARATORS, " " * len(SEPARATORS))
_RUN_OF_SPACES = re.compile(" +")


def _simple_upper(char: str) -> str:
    later = _UNICODE_16.get(ord(char))
    if later is not None:
        return chr(later)
    full = char.upper()
    if len(full) == 1:
        return full
    # Title case has the one-letter mapping of the Greek iota-subscript letters; the rest have none (ß, ﬁ, ŉ).
    title = char.title()
    return title if len(title) == 1 else char


def fold(text: str) -> str:
    """`text` for comparison regardless of case; equal to `upper(text)` in our databases."""
    if text.isascii():
        return text.upper()
    return "".join(map(_simple_upper, text))


def spaced(text: str) -> str:
    """Folded `text` with every gap as one space and a space at both ends: " VP SALES " is in it if the words are."""
    return " " + _RUN_OF_SPACES.sub(" ", fold(text).translate(_GAPS)) + " "


def check_locale() -> list[str]:
    """What is wrong with the database's locale, in words, for a system check; empty if nothing is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = current_database()")
        made = cursor.fetchone()
    if made == ("b", "C.UTF-8"):
        return []
    return [
        "The database was not made with LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8': text rules may judge letters "
        "outside ASCII differently in lists and in explanations."
    ]


def like_escape(text: str) -> str:
    """`text` as a literal inside a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
