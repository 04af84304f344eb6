"""What a title means that no rule knows: the embedding model's guess, learned from our own examples (titles_examples).

It answers only where it is sure. Of our examples, each tenth left out in turn, it is so sure of two thirds of the departments
(96 of 100 of them right) and two fifths of the ranks (95 of 100); a rank calls for more, because a clerk taken for a chief
costs more than one not known.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from leadgen.core import classifier
from leadgen.core.embedding import vectors
from prospects.rules.titles_examples import DEPARTMENT, SENIORITY

STORED = Path(__file__).with_name("titles_model.json")
SURE_OF_SENIORITY, SURE_OF_DEPARTMENT = 0.9, 0.7


class Guess(NamedTuple):
    """Values of Seniority and Department, "" where the model is not sure enough; how sure it is of its best (0 to 1)."""

    seniority: str
    seniority_sure: float
    department: str
    department_sure: float


def guess(title: str) -> Guess | None:
    """What the model takes `title` for; None where there is no model. About a tenth of a second."""
    known, words = _weights(), " ".join(title.split())
    if known is None or not words:
        return None
    found = vectors((words,))
    if found is None:
        return None
    vector = [float(number) for number in found[0]]
    seniority, rank = _best(classifier.probabilities(known[0], vector))
    department, kind = _best(classifier.probabilities(known[1], vector))
    return Guess(
        seniority if rank >= SURE_OF_SENIORITY else "", rank, department if kind >= SURE_OF_DEPARTMENT else "", kind
    )


def _best(shares: dict[str, float]) -> tuple[str, float]:
    return max(shares.items(), key=lambda item: item[1])


@lru_cache(maxsize=1)
def _weights() -> tuple[classifier.Weights, classifier.Weights] | None:
    data = classifier.read_stored(STORED) or {}
    seniority, department = (classifier.weights_of(data.get(name)) for name in ("seniority", "department"))
    return (seniority, department) if seniority and department else None


def learn() -> dict[str, Any]:
    """The weights of both, as they are stored. Raises RuntimeError without the model."""
    return {"seniority": classifier.learn(SENIORITY), "department": classifier.learn(DEPARTMENT)}
