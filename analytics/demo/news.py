"""What is known of the demo's people besides files: news about their companies, a trigger, and words of the team."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from accounts.actions.audit import Actor
from prospects.actions.signals import record_signal
from prospects.actions.signals_triggers import create_trigger
from prospects.actions.tags import tag_rows, tags_named
from prospects.models import Person, Signal, SignalTrigger, TagLink

HEADLINES: dict[str, tuple[str, ...]] = {
    "funding": ("Raises 20 M EUR for a second plant", "Development bank lends 8 M EUR for new presses"),
    "hiring": ("Looks for six maintenance engineers", "Hires a head of continuous improvement", "Opens twelve posts in production"),
    "job_change": ("A new COO starts, before at a larger maker", "New plant manager since the first of the month"),
    "technology": ("Moves its plants to SAP S/4HANA", "Chooses a manufacturing execution system"),
    "news": ("Adds a third shift", "Wins a supply contract for five years", "Opens a line in Porto"),
}  # fmt: skip
TRIGGER = "Money or a new leader at A and B companies"
# tag, how many of the best people have it
TAGS = (("Met at the fair", 7), ("Wait for budget", 4), ("VIP", 3))


def tell_news(*, people: Sequence[Person], actors: dict[str, Actor], now: datetime) -> int:
    """Some signals of the last two months about the companies of `people`, two of which the trigger sees. How many."""
    if Signal.objects.exists():
        return 0
    draw, told = random.Random(11), 0
    companies = [person.company for person in people if person.company][:24]
    for number, company in enumerate(companies):
        kind = draw.choice(list(HEADLINES))
        told += _record(actors["ops"], now - timedelta(days=60 - number * 2.4), kind, draw, now, domain=company.domain)
    # Who only reads a newspaper knows a name: it waits until a person says which company is meant.
    for name in (companies[0].name, "Harbour Works"):
        told += _record(actors["ops"], now - timedelta(days=3), "news", draw, now, company_name=name)
    if not SignalTrigger.objects.exists():
        create_trigger(
            by=actors["marketer"], now=now, name=TRIGGER, kinds=["funding", "job_change"], grades=["A", "B"],
            owner=actors["sdr"].member,
        )  # fmt: skip
    for company, kind in zip(companies[:2], ("funding", "job_change"), strict=False):
        told += _record(actors["ops"], now - timedelta(hours=5), kind, draw, now, domain=company.domain)
    return told


def _record(by: Actor, at: datetime, kind: str, draw: random.Random, now: datetime, **about: Any) -> int:
    _, is_new = record_signal(by=by, now=now, kind=kind, title=draw.choice(HEADLINES[kind]), at=at, **about)
    return int(is_new)


def give_tags(*, people: Sequence[Person], by: Actor, now: datetime) -> int:
    """Words of the team on some of `people`; returns how many have one."""
    if TagLink.objects.exists():
        return 0
    first = 0
    for name, count in TAGS:
        ids = [person.pk for person in people[first : first + count]]
        tag_rows(by=by, now=now, subject="people", ids=ids, tags=tags_named([name], by=by, now=now, create=True))
        first += count
    return first
