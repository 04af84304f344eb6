"""What a reply wants as the embedding model sees it: a linear classifier over its vectors, learned from our own sentences.

The weights are stored in intent_model.json by `manage.py learn_intents`; they belong to one model version and one list of
sentences. Without them or the model there are no scores, and the rules decide alone.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from leadgen.core import classifier
from leadgen.core.embedding import vectors

from .intent_sentences import SENTENCES

STORED = Path(__file__).with_name("intent_model.json")
_HURRIED = (
    ("please", "plz"),
    ("you ", "u "),
    ("interested", "intrested"),
    ("schedule", "schdule"),
    ("I'm", "Im"),
    ("don't", "dont"),
    ("'", ""),
)


def sentences_digest() -> str:
    """What the stored weights were learned from."""
    return classifier.digest(SENTENCES)


def scores(text: str) -> dict[str, float]:
    """The probability of each intent (they add up to 1), rounded; {} where no model can say. Deterministic."""
    known, words = _weights(), gist(text)
    if known is None or not words:
        return {}
    found = vectors((words,))
    if found is None:
        return {}
    return classifier.probabilities(known, [float(number) for number in found[0]])


LOOKED_AT = 4_000  # characters; of a tag that is never closed each look goes to the end


def gist(text: str) -> str:
    """The part of a reply that says what it wants: without markup and greeting, the first sentences."""
    words = without_markup(" ".join(text[:LOOKED_AT].split()))
    return _GREETING.sub("", words)[:300] or words[:300]


def without_markup(text: str) -> str:
    """`text` without what looks like HTML or XML, such as a mail client's tags typed as text; they confuse the model.

    Addresses in angle brackets, "<3" and "a < b" stay.
    """
    if "<" not in text:
        return text
    words = " ".join(_MARKUP.sub(" ", text).split())
    return _GAP.sub(r"\1", words)


# Comments, scripts and styles with what stands in them, single tags, declarations. A name must end like a tag's, or it is
# an address or a link in angle brackets.
_MARKUP = re.compile(
    r"<!--.*?-->|<(script|style)\b[^<>]{0,500}>.*?</\1\s*>|</?[a-z][\w:-]{0,40}(?:\s[^<>]{0,500})?/?>|<[!?][a-z][^<>]{0,500}>",
    re.IGNORECASE | re.DOTALL,
)
_GAP = re.compile(r"\s+([,.!?;:])")
_GREETING = re.compile(
    r"^(?:hi|hello|dear|hey|hallo|guten (?:tag|morgen)|liebe[r]?|bonjour|hola|ciao|buongiorno|olá|beste|dag|hej|hei|dzień dobry|здравствуйте)\b[^,.!?\n]{0,30}[,.!]\s+",
    re.IGNORECASE,
)


@lru_cache(maxsize=1)
def _weights() -> classifier.Weights | None:
    return classifier.weights_of(classifier.read_stored(STORED))


def learn() -> dict[str, Any]:
    """The weights learned from the sentences, as they are stored: each is read as written and as hurried people write.

    Raises RuntimeError without the model.
    """
    return classifier.learn(SENTENCES, also=hurry)


def hurry(text: str) -> str:
    """`text` as hurried people type it."""
    for word, short in _HURRIED:
        text = text.replace(word, short).replace(word.capitalize(), short.capitalize())
    return text
