"""What a reply wants as the embedding model sees it: a linear classifier over its vectors, learned from our own sentences.

The weights are stored in intent_model.json by `manage.py learn_intents`; they belong to one model version and one list of
sentences. Without them or the model there are no scores, and the rules decide alone.
"""

import hashlib
import json
import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from .embedding import vectors, version
from .intent_sentences import SENTENCES

STORED = Path(__file__).with_name("intent_model.json")
SCALE = 6.0
_HURRIED = (
    ("please", "plz"),
    ("you ", "u "),
    ("interested", "intrested"),
    ("schedule", "schdule"),
    ("I'm", "Im"),
    ("don't", "dont"),
    ("'", ""),
)


class Weights(NamedTuple):
    """`mean` of all vectors, one row of `weights` and one of `bias` an intent in `names`."""

    names: tuple[str, ...]
    mean: list[float]
    weights: list[list[float]]
    bias: list[float]


def sentences_digest() -> str:
    """What the stored weights were learned from."""
    return hashlib.sha256(json.dumps(SENTENCES, sort_keys=True).encode()).hexdigest()[:16]


def scores(text: str) -> dict[str, float]:
    """The probability of each intent (they add up to 1), rounded; {} where no model can say. Deterministic."""
    known, words = _weights(), gist(text)
    if known is None or not words:
        return {}
    found = vectors((words,))
    if found is None:
        return {}
    return _probabilities(known, [float(number) for number in found[0]])


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


def _probabilities(known: Weights, vector: list[float]) -> dict[str, float]:
    centred = [value - mean for value, mean in zip(vector, known.mean, strict=True)]
    length = math.sqrt(sum(value * value for value in centred)) or 1.0
    raw = [
        SCALE * sum(weight * value for weight, value in zip(row, centred, strict=True)) / length + bias
        for row, bias in zip(known.weights, known.bias, strict=True)
    ]
    top = max(raw)
    shares = [math.exp(value - top) for value in raw]
    return {name: round(share / sum(shares), 3) for name, share in zip(known.names, shares, strict=True)}


@lru_cache(maxsize=1)
def _weights() -> Weights | None:
    try:
        data = json.loads(STORED.read_text(encoding="utf-8"))
        if data["model"] != version():
            return None  # other vectors: the weights would mean nothing
        return Weights(tuple(data["names"]), data["mean"], data["weights"], data["bias"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def learn(*, rounds: int = 400, rate: float = 2.0, keep: float = 0.01) -> dict[str, Any]:
    """The weights learned from the sentences, as they are stored; also the share right when each tenth is left out.

    Raises RuntimeError without the model. Takes half a minute: each sentence is read as written and as hurried people write.
    """
    import numpy as np

    pairs = [(name, text) for name, texts in SENTENCES.items() for text in texts]
    hurried = [(name, hurry(text)) for name, text in pairs if hurry(text) != text]
    every = (*pairs, *hurried)
    read = vectors(tuple(text for _name, text in every))
    if read is None:
        raise RuntimeError("the embedding model is not installed")
    names = tuple(SENTENCES)
    labels = np.array([names.index(name) for name, _text in every])
    mean = read.mean(axis=0)
    centred = read - mean
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)

    def fit(rows: Any, wanted: Any) -> tuple[Any, Any]:
        weights, bias = np.zeros((rows.shape[1], len(names))), np.zeros(len(names))
        share = (len(wanted) / len(names) / np.bincount(wanted, minlength=len(names)))[wanted][:, None]
        target = np.eye(len(names))[wanted]
        for _ in range(rounds):
            raw = SCALE * rows @ weights + bias
            guess = np.exp(raw - raw.max(axis=1, keepdims=True))
            guess /= guess.sum(axis=1, keepdims=True)
            slope = (guess - target) * share / len(wanted)
            weights -= rate * (SCALE * rows.T @ slope + keep * weights / SCALE)
            bias -= rate * slope.sum(axis=0)
        return weights, bias

    # A sentence and its hurried twin are left out together.
    texts = [text for _name, text in pairs] + [text for name, text in pairs if hurry(text) != text]
    fold = np.array([hashlib.sha256(text.encode()).digest()[0] % 10 for text in texts])
    right = 0
    for number in range(10):
        weights, bias = fit(centred[fold != number], labels[fold != number])
        right += int(
            ((SCALE * centred[fold == number] @ weights + bias).argmax(axis=1) == labels[fold == number]).sum()
        )
    weights, bias = fit(centred, labels)
    return {
        "model": version(), "sentences": sentences_digest(), "left_out_right": round(right / len(labels), 3), "names": names,
        "mean": [round(float(value), 5) for value in mean], "weights": [[round(float(value), 4) for value in row] for row in weights.T],
        "bias": [round(float(value), 4) for value in bias],
    }  # fmt: skip


def hurry(text: str) -> str:
    """`text` as hurried people type it."""
    for word, short in _HURRIED:
        text = text.replace(word, short).replace(word.capitalize(), short.capitalize())
    return text
