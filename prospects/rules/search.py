"""Words with slips of the hand: two that differ by one letter share a key (SymSpell's deletes), so an index finds them.

A word's keys are itself and itself without one letter, of its first five and seven letters too, so that a word is found
while it is still being typed. What shares a key is then measured: swapped, missing, added and changed letters count one.
"""

import re

from prospects.rules.normalise_text import plain

SHORTEST = 4  # shorter words are near to too much
LONGEST = 24
PREFIXES = (5, 7)
_WORD = re.compile(r"[^\W\d_]+")


def words_in(text: str) -> set[str]:
    """The words of a name that a vocabulary keeps, in upper case as an index on UPPER() has them; numbers are no words."""
    return {word.upper() for word in _WORD.findall(text) if SHORTEST <= len(word) <= LONGEST}


def fold(word: str) -> str:
    """The form in which words are compared: no accents, lower case."""
    return plain(word).replace(" ", "")


def _deletes(word: str) -> set[str]:
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def keys_of(word: str) -> set[str]:
    """Keys of a word of the vocabulary."""
    folded = fold(word)
    found = _deletes(folded)
    for length in PREFIXES:
        if len(folded) > length:
            found |= _deletes(folded[:length])
    return found


def sought_keys(word: str) -> set[str]:
    """Keys of a word that somebody typed; it shares one with each word of the vocabulary it may have been meant for."""
    return _deletes(fold(word))


def slips(typed: str, word: str) -> int:
    """How many slips lie between a typed word and the beginning of another, both folded."""
    best = distance(typed, word)
    if len(word) > len(typed):
        # Still being typed: a beginning about as long is compared.
        lengths = {len(typed) - 1, len(typed), len(typed) + 1}
        best = min([best, *(distance(typed, word[:length]) for length in lengths if 0 < length < len(word))])
    return best


def allowed(typed: str) -> int:
    """Slips a word of this length is forgiven."""
    return 1 if len(typed) < 6 else 2


def distance(one: str, other: str) -> int:
    """Letters changed, missing, added, or swapped with their neighbour, from one word to the other."""
    if one == other:
        return 0
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, against in enumerate(other, 1):
            cost = min(above[column] + 1, line[column - 1] + 1, above[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, above = above, line
    return above[-1]
