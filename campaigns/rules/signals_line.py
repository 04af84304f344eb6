"""The line of a trigger that reached its cap, pure: whose turn it is on which day, and why somebody did not go through."""

from datetime import date, timedelta

# Why somebody in line was not enrolled when their turn came, beside the reasons of enrolling itself (actions.enrolments.BLOCKS).
LEFT = {
    "stale": "the news was too old when their turn came",
    "dismissed": "the news was dismissed",
    "unasked": "the trigger does not ask for this news any more",
    "segment": "not in the segment any more",
    "moved": "not at this company any more",
    "off": "the trigger enrols nobody any more",
}


def turn(*, place: int, left_today: int, per_day: int, today: date) -> date:
    """The day on which place 1, 2, ... is reached, if everybody before them is enrolled; earlier where somebody is not."""
    beyond = place - max(left_today, 0)
    return today if beyond <= 0 else today + timedelta(days=-(-beyond // per_day))


def reason(*, place: int, per_day: int, active: bool, note: str) -> str:
    """Why somebody waits."""
    if not active:
        return "Waits: the trigger is switched off"
    if note:
        return f"Waits: {note}"[:300]
    before = "next in line" if place == 1 else f"{place - 1:,} before them"
    return f"Waits: the trigger enrols {per_day:,} a day; {before}"
