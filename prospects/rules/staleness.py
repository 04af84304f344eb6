"""Whether what is kept of a person still holds: by age, and by what happened since it was written. Pure.

A fact ages: about one in four business contacts changes within a year. News ages it at once, until somebody confirms the
person (an answer, an edit of the address or employer, "still right").
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

AGE = timedelta(days=365)

LEFT, BOUNCED, MOVED, ROLE = "left", "bounced", "moved", "role"
SIGNALS: dict[str, str] = {
    LEFT: "Left the company",
    BOUNCED: "The address bounced",
    MOVED: "Changed employer",
    ROLE: "Changed role",
}
REMEDIES: dict[str, str] = {
    LEFT: "Find where they work now, or delete them.",
    BOUNCED: "Find their new address, or delete them.",
    MOVED: "Their address may be of the old employer: check it.",
    ROLE: "Check address, phone and what they decide now.",
}


@dataclass(frozen=True, slots=True)
class News:
    """What happened to a person, and when last. `confirmed_at`: somebody showed or said that the facts are right."""

    left_at: datetime | None = None
    bounced_at: datetime | None = None
    moved_at: datetime | None = None
    role_at: datetime | None = None
    confirmed_at: datetime | None = None


def signal_of(news: News) -> tuple[str, datetime | None]:
    """The news that makes the facts doubtful, the gravest first; ("", None) where none came after the last confirmation."""
    found = (
        (LEFT, news.left_at), (BOUNCED, news.bounced_at), (MOVED, news.moved_at), (ROLE, news.role_at),
    )  # fmt: skip
    for code, at in found:
        if at is not None and (news.confirmed_at is None or at > news.confirmed_at):
            return code, at
    return "", None


def why_stale(*, signal: str, signal_at: datetime | None, confirmed_at: datetime | None, now: datetime) -> list[str]:
    """Every reason to doubt the facts, in words; empty where there is none. `confirmed_at`: the last edit or answer."""
    reasons = []
    if signal:
        since = f" ({signal_at:%-d %b %Y})" if signal_at else ""
        reasons.append(f"{SIGNALS[signal]}{since}. {REMEDIES[signal]}")
    if confirmed_at is not None and now - confirmed_at > AGE:
        months = int((now - confirmed_at).days / 30.44)
        reasons.append(f"Nobody confirmed or changed these facts for {months} months (since {confirmed_at:%-d %b %Y}).")
    return reasons
