"""Which move of a lead is allowed, and what counts as evidence for one. Pure: no rows, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OPEN = ("lead", "mql", "accepted", "sql", "opportunity")
EXITS = ("disqualified", "recycled", "lost")
# The stages of the funnel in order, for paths and pickers.
PATH = ("lead", "mql", "accepted", "sql", "opportunity", "customer")

# Forward moves may skip a stage (a deal made at once): nothing is inferred for the one that was skipped. Backward moves
# are a rejected hand-off; out of an exit only a reopening leads, back to the stage that was left.
MOVES: dict[str, frozenset[str]] = {
    "": frozenset({"lead"}),
    "lead": frozenset({"mql", "sql", "opportunity", "disqualified", "recycled"}),
    "mql": frozenset({"lead", "accepted", "sql", "opportunity", "disqualified", "recycled"}),
    "accepted": frozenset({"sql", "opportunity", "disqualified", "recycled"}),
    "sql": frozenset({"accepted", "opportunity", "disqualified", "recycled"}),
    "opportunity": frozenset({"customer", "lost", "disqualified", "recycled"}),
    "customer": frozenset(),
    "disqualified": frozenset(OPEN),
    "recycled": frozenset(OPEN),
    "lost": frozenset(),
}

# What a reply may mean (commands: classify_mail). A refusal opens no lead and earns no points.
REFUSALS = frozenset({"not_interested", "opt_out", "not_now"})
POSITIVE = frozenset({"positive", "meeting"})
# Outcomes of a logged call in which the two really spoke.
CONVERSATIONS = frozenset({"connected", "connected_positive", "connected_negative", "conversation", "held"})


def may_move(from_stage: str, to_stage: str) -> bool:
    """Whether a lead may go from one stage to another ('' is: not opened yet)."""
    return to_stage in MOVES[from_stage]


def is_refusal(detail: Mapping[str, Any]) -> bool:
    """Whether an activity's detail says that the person declined (`intent`, or a call's `outcome`)."""
    return detail.get("intent") in REFUSALS or detail.get("outcome") == "connected_negative"


def is_conversation(kind: str, detail: Mapping[str, Any]) -> bool:
    """Whether an activity is a conversation that was held: a meeting, or a call in which somebody answered."""
    return kind == "meeting_held" or (kind == "called" and detail.get("outcome") in CONVERSATIONS)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a lead's path as shown: `state` is done, current or ahead; `skipped`: a later one was entered."""

    stage: str
    at: Any
    state: str
    skipped: bool = False


def path(entries: Iterable[tuple[str, Any]], current: str) -> list[Step]:
    """The funnel stages with the date of first entry; an exit stands last, where it happened.

    `entries` are (stage, at) in order of position; `current` is the lead's stage.
    """
    rows = list(entries)
    first: dict[str, Any] = {}
    for stage, at in rows:
        first.setdefault(stage, at)
    # A stage a rejected hand-off sent the lead back from counts as not reached now, though its first entry stays a fact.
    reached = current
    if current in EXITS:
        reached = next((stage for stage, _ in reversed(rows[:-1]) if stage not in EXITS), "lead")
    place = PATH.index(reached)
    steps = []
    for number, stage in enumerate(PATH):
        if current in EXITS and number > place:
            break
        state = "current" if stage == current else "done" if number <= place and stage in first else "ahead"
        steps.append(Step(stage, first.get(stage), state, skipped=number < place and stage not in first))
    if current in EXITS:
        steps.append(Step(current, rows[-1][1] if rows else None, "current"))
    return steps
