"""How a company writes its addresses, read off those that are known: a guess with what it rests on. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prospects.rules.normalise import plain
from prospects.rules.verification import is_free, is_role

# Name -> how it is made of first name f and last name l.
FORMS = {
    "first.last": "{f}.{l}", "firstlast": "{f}{l}", "flast": "{i}{l}", "f.last": "{i}.{l}", "first": "{f}", "last": "{l}",
    "first_last": "{f}_{l}", "first-last": "{f}-{l}", "last.first": "{l}.{f}", "lastfirst": "{l}{f}", "firstl": "{f}{j}",
    "first.l": "{f}.{j}", "lfirst": "{j}{f}", "lastf": "{l}{i}", "last.f": "{l}.{i}", "l.first": "{j}.{f}", "fl": "{i}{j}",
}  # fmt: skip
_SPECIAL = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "å": "a", "ł": "l"})
# A name of several words: joined, the first, the last, with a hyphen.
_CUTS: tuple[Callable[[str], str], ...] = (
    lambda text: text.replace(" ", ""), lambda text: text.split()[0], lambda text: text.split()[-1],
    lambda text: text.replace(" ", "-"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """An address by the company's most used form: `hits` of `of` known addresses have it."""

    email: str
    form: str
    hits: int
    of: int

    @property
    def words(self) -> str:
        domain = self.email.partition("@")[2]
        known = "address" if self.of == 1 else "addresses"
        return f"A guess: {self.form}@{domain}, as {self.hits} of {self.of} known {known} there"


def guess(first: str, last: str, domain: str, known: Iterable[tuple[str, str, str]]) -> Guess | None:
    """`known`: (first name, last name, address) of people at the same domain whose address holds. None where nothing is
    known there, where no form is that of more than half of them, where the name is not whole, or the guess is taken."""
    rows = [(a, b, address) for a, b, address in known if address.partition("@")[2] == domain and not is_role(address)]
    if not first or not last or not domain or is_free(domain) or not rows:
        return None
    votes: Counter[str] = Counter()
    for a, b, address in rows:
        local = address.partition("@")[0]
        votes.update({name for name in FORMS if local in _written(name, a, b)})
    if not votes:
        return None
    form, hits = min(votes.items(), key=lambda item: (-item[1], list(FORMS).index(item[0])))
    if 2 * hits <= len(rows):
        return None
    written = _written(form, first, last)
    # How umlauts are written is as the others do; of a first one, the longer way.
    email = f"{next(iter(written))}@{domain}" if written else ""
    if not email or email in {address for _, _, address in rows}:
        return None
    return Guess(email, form, hits, len(rows))


def _written(form: str, first: str, last: str) -> dict[str, None]:
    """The ways a name may be written in a form, the likeliest first: umlauts as two letters or one, double names joined."""
    found: dict[str, None] = {}
    for spell in (lambda text: text.lower().translate(_SPECIAL), lambda text: text):
        names = [re.sub(r"[^a-z ]", "", plain(spell(name).replace("'", "").replace("’", ""))) for name in (first, last)]
        if not all(name.strip() for name in names):
            continue
        for cut in (
            lambda text: text.replace(" ", ""),
            lambda text: text.split()[0],
            lambda text: text.split()[-1],
            lambda text: text.replace(" ", "-"),
        ):
            one, two = cut(names[0]), cut(names[1])
            found[FORMS[form].format(f=one, l=two, i=one[0], j=two[0])] = None
    return found
