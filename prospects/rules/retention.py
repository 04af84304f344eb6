"""What a workspace may let go by age: words, units and bounds of each kind of rule."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTHS, DAYS, YEARS = "months", "days", "years"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of rule. `does` is what happens to a row, `keeps` what stays of it."""

    key: str
    title: str
    words: str
    unit: str
    default: int
    least: int
    most: int
    does: str
    nouns: str

    def cutoff(self, period: int, now: datetime) -> datetime:
        """What is older than this goes."""
        if self.unit == DAYS:
            return now - timedelta(days=period)
        months = now.year * 12 + now.month - 1 - period * (12 if self.unit == YEARS else 1)
        year, month = divmod(months, 12)
        return now.replace(year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1]))

    def in_words(self, period: int) -> str:
        return f"after {period:,} {self.unit if period != 1 else self.unit[:-1]}"


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "people", "People nobody had to do with",
            "Erased, with notice: no mail, call, visit, meeting or answer for that long, no open lead or deal, in no sequence, no customer.",
            MONTHS, 24, 3, 120, "noticed, then erased", "people",
        ),
        Kind(
            "mail", "Texts of mail received", "Subject and text are emptied; who wrote when, and what it meant, stays.",
            MONTHS, 24, 1, 120, "emptied", "e-mails",
        ),
        Kind(
            "hits", "IP addresses of clicks", "The visitor's IP address is emptied; the click and its reading stay.",
            DAYS, 90, 7, 3650, "emptied", "clicks",
        ),
        Kind(
            "files", "Uploaded import files",
            "The file goes, with the sample rows and the cells of its report; counts and the undo of 30 days stay.",
            DAYS, 90, 1, 3650, "removed", "files",
        ),
        Kind("audit", "Audit log", "Entries go for good.", YEARS, 7, 1, 30, "deleted", "entries"),
    )
}  # fmt: skip
# What may keep somebody beside an open lead, an open deal and being a customer.
KEEPS = {
    "consent": "a consent that was not taken back",
    "owner": "an owner",
    "list": "a place on a list",
    "task": "an open task",
}
