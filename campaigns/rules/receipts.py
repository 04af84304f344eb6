"""The receipt of a submission: captured, matched, scored, routed, queued, each in words with what it rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prospects.rules.routing import Receipt

# Step of the clock -> its name for people, in order.
STEPS = {
    "captured": "Captured",
    "matched": "Matched",
    "scored": "Scored",
    "routed": "Routed",
    "queued": "In the queue",
}


@dataclass(slots=True)
class Trail:
    """Collects what happened to a submission, one line a step, for the JSON kept with it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    routing: dict[str, Any] = field(default_factory=dict)

    def add(self, step: str, words: str, at: datetime) -> None:
        if step not in STEPS:
            raise KeyError(step)
        self.rows.append({"step": step, "at": at.isoformat(), "words": words})

    def as_json(self) -> dict[str, Any]:
        return {"steps": self.rows, **self.routing}


def routing_of(*, receipt: Receipt | None, form_owner: str, owner: str, was_open: bool, kept: str) -> dict[str, Any]:
    """{rule, words, tried, considered, chosen}: who got the lead and why. `kept` is the reason stored on the lead."""
    tried = [{"rule": "the form’s owner", "result": form_owner or "none is set"}]
    if form_owner and not was_open:
        words = f"The form gives its leads to {form_owner}"
        return {"rule": "form owner", "words": words, "tried": tried, "considered": [], "chosen": owner}
    tried.append(
        {"rule": "whoever holds the lead or the person", "result": owner if receipt is None and owner else "nobody"}
    )
    if receipt is None:
        if owner:
            words = f"{owner} works on this lead already" if was_open else f"{owner} owns this person"
            return {"rule": "holder", "words": words, "tried": tried, "considered": [], "chosen": owner}
        return {"rule": "nobody", "words": kept or "Nobody has it yet", "tried": tried, "considered": [], "chosen": ""}
    tried.append(
        {"rule": "the company’s owner", "result": "chosen" if receipt.rule == "company owner" else "none with room"}
    )
    if receipt.rule != "company owner":
        tried.append({"rule": "rotation by capacity", "result": f"{len(receipt.considered)} considered"})
    return {
        "rule": receipt.rule,
        "words": receipt.words,
        "tried": tried,
        "considered": receipt.considered,
        "chosen": owner,
    }


def steps_in_words(routing: Mapping[str, Any]) -> list[dict[str, str]]:
    """The kept steps for a page: {label, words, at}; what is unknown to this version is shown by its own name."""
    rows: Sequence[Mapping[str, Any]] = routing.get("steps", [])
    return [
        {"label": STEPS.get(str(row["step"]), str(row["step"])), "words": str(row["words"]), "at": str(row["at"])}
        for row in rows
    ]
