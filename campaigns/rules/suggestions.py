"""Whom a mail names instead of its writer: a successor, a stand-in, the right person."""

from typing import NamedTuple


class Suggestion(NamedTuple):
    """A person to write to instead. `name` or `address` may be '', never both; `why` are the words that name them."""

    name: str
    address: str
    why: str
