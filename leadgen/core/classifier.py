"""A linear classifier over the vectors of the embedding model: learned from a list of our own sentences, stored as JSON beside it.

The weights belong to one version of the model and one list. Without the model, or with another version of it, there are no
scores, and rules decide alone.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from leadgen.core.embedding import vectors, version

SCALE = 6.0
type Sentences = Mapping[str, Sequence[str]]


class Weights(NamedTuple):
    """`mean` of all vectors, one row of `weights` and one of `bias` a class in `names`."""

    names: tuple[str, ...]
    mean: list[float]
    weights: list[list[float]]
    bias: list[float]


def digest(sentences: Any) -> str:
    """What stored weights were learned from."""
    return hashlib.sha256(json.dumps(sentences, sort_keys=True).encode()).hexdigest()[:16]


def weights_of(data: Any) -> Weights | None:
    """Stored weights, if they are of the model that is installed."""
    try:
        if data["model"] != version():
            return None  # other vectors: the weights would mean nothing
        return Weights(tuple(data["names"]), data["mean"], data["weights"], data["bias"])
    except (KeyError, TypeError):
        return None


def read_stored(path: Path) -> Any:
    """What is stored, None where nothing readable is."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def probabilities(known: Weights, vector: Sequence[float]) -> dict[str, float]:
    """The probability of each class (they add up to 1), rounded to three digits."""
    centred = [value - mean for value, mean in zip(vector, known.mean, strict=True)]
    length = math.sqrt(sum(value * value for value in centred)) or 1.0
    raw = [
        SCALE * sum(weight * value for weight, value in zip(row, centred, strict=True)) / length + bias
        for row, bias in zip(known.weights, known.bias, strict=True)
    ]
    top = max(raw)
    shares = [math.exp(value - top) for value in raw]
    return {name: round(share / sum(shares), 3) for name, share in zip(known.names, shares, strict=True)}


def learn(
    sentences: Sentences,
    *,
    also: Callable[[str], str] | None = None,
    rounds: int = 400,
    rate: float = 2.0,
    keep: float = 0.01,
) -> dict[str, Any]:
    """Weights learned from `sentences` by class, as they are stored; also the share right when each tenth is left out.

    `also` gives another form of a sentence, learned too. Raises RuntimeError without the model. Takes about a second for
    twelve sentences.
    """
    import numpy as np

    pairs = [(name, text) for name, texts in sentences.items() for text in texts]
    others = [(name, also(text)) for name, text in pairs if also(text) != text] if also else []
    every = (*pairs, *others)
    read = vectors(tuple(text for _name, text in every))
    if read is None:
        raise RuntimeError("the embedding model is not installed")
    names = tuple(sentences)
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

    # A sentence and its other form are left out together.
    texts = [text for _name, text in pairs] + [text for _name, text in pairs if also and also(text) != text]
    fold = np.array([hashlib.sha256(text.encode()).digest()[0] % 10 for text in texts])
    right = 0
    for number in range(10):
        weights, bias = fit(centred[fold != number], labels[fold != number])
        guessed = (SCALE * centred[fold == number] @ weights + bias).argmax(axis=1)
        right += int((guessed == labels[fold == number]).sum())
    weights, bias = fit(centred, labels)
    return {
        "model": version(), "sentences": digest(sentences), "left_out_right": round(right / len(labels), 3), "names": names,
        "mean": [round(float(value), 5) for value in mean],
        "weights": [[round(float(value), 4) for value in row] for row in weights.T],
        "bias": [round(float(value), 4) for value in bias],
    }  # fmt: skip
