"""Signals, pure: what they are worth today, what to say first, what two tellings have in common, and feeds' entries.

Worth of a signal at age t days: weight * 2^(-t / half-life): the same exponential decay that engagement has, so that the
order of two signals of one kind never changes with time. Half-lives of funding, hiring, technology and job change are those
practitioners publish (signalmama.com/glossary/signal-decay, 2026: about 30, 120, 60 and 90 days); intent-like signals lose
half in about 14 days (fairwaydigitalmedia.com/abm/signal-weighting/recency-windows-decay), which product usage and news
take here. These are conventions of the field, not measurements: no study we know of measured them. The weights are ours and
only decide what the "why now" line says first.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from prospects.rules import normalise

HALF_LIFE_DAYS: dict[str, float] = {
    "funding": 30, "hiring": 120, "technology": 60, "job_change": 90, "news": 14, "usage": 14,
}  # fmt: skip
WEIGHTS: dict[str, float] = {
    "usage": 1.0, "job_change": 0.9, "funding": 0.9, "hiring": 0.7, "technology": 0.6, "news": 0.4,
}  # fmt: skip
# Below an eighth (three half-lives) a signal is history: it is listed, and no reason to write to somebody now.
STALE = 0.125
LONGEST_DAYS = int(max(HALF_LIFE_DAYS.values()) * 3)
MAX_AHEAD_DAYS = 1  # clocks differ; what lies further ahead is a mistake


class Told(Protocol):
    """What the rules read of a signal."""

    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def at(self) -> datetime: ...


def freshness(kind: str, at: datetime, now: datetime) -> float:
    """2^(-age / half-life), from 1 (today) towards 0; news of tomorrow counts as of today."""
    age = max((now - at).total_seconds(), 0.0) / 86_400
    return float(2 ** (-age / HALF_LIFE_DAYS[kind]))


def worth(kind: str, at: datetime, now: datetime) -> float:
    return WEIGHTS[kind] * freshness(kind, at, now)


@dataclass(frozen=True, slots=True)
class WhyNow:
    """The reason to write to somebody today: the signal worth most, how many more are fresh, and the line."""

    signal: Any
    more: int
    freshness: float

    @property
    def percent(self) -> int:
        return round(self.freshness * 100)


def why_now[S: Told](signals: Iterable[S], now: datetime) -> WhyNow | None:
    """The best of the fresh ones; None where nothing is."""
    fresh = [found for found in signals if freshness(found.kind, found.at, now) >= STALE]
    if not fresh:
        return None
    best = max(fresh, key=lambda found: (worth(found.kind, found.at, now), found.at))
    return WhyNow(best, len(fresh) - 1, freshness(best.kind, best.at, now))


def ago(at: datetime, now: datetime) -> str:
    """ "today", "yesterday", "12 days ago": for the reasons of tasks, which are read later than they are written."""
    days = (now - at).days
    return "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"


def digest(*parts: object) -> str:
    """A key of what is told, for tellings that carry none."""
    text = "\x1f".join(" ".join(str(part or "").casefold().split()) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


class Entry(Protocol):
    """What the rules read of an entry of a feed."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def links(self) -> tuple[str, ...]: ...


def wanted(entry: Entry, words: Sequence[str]) -> bool:
    """Whether an entry has one of the words (whole words, any case); without words every entry is wanted."""
    if not words:
        return True
    text = f"{entry.title}\n{entry.text}"
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) for word in words)


def domains_of(entry: Entry, feed_url: str) -> list[str]:
    """Registrable domains an entry links to, its own site and the places everybody links to left out: each once, in order."""
    own = {_domain(feed_url), _domain(entry.url)}
    found = dict.fromkeys(_domain(link) for link in entry.links)
    return [name for name in found if name and name not in own and name not in EVERYWHERE]


EVERYWHERE = frozenset(
    ["linkedin.com", "twitter.com", "x.com", "facebook.com", "instagram.com", "youtube.com", "youtu.be", "medium.com", "github.com", "google.com", "apple.com", "t.co", "bit.ly", "wikipedia.org", "crunchbase.com", "pinterest.com", "tiktok.com", "reddit.com", "whatsapp.com", "feedburner.com", "wordpress.com", "wordpress.org", "gravatar.com", "amazon.com", "prnewswire.com", "businesswire.com", "globenewswire.com"]
) | normalise.FREE_MAIL  # fmt: skip


def _domain(url: str) -> str:
    try:
        return normalise.domain(url) if url else ""
    except normalise.Unusable:
        return ""


# What programs call the fields of a signal; the first name is ours.
NAMES: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind", "type", "signal", "signal_type", "event"),
    "title": ("title", "headline", "summary", "name"),
    "text": ("text", "description", "body", "content"),
    "url": ("url", "link", "source_url"),
    "at": ("at", "date", "published_at", "occurred_at", "timestamp"),
    "domain": ("domain", "website", "company_domain"),
    "company_name": ("company_name", "company", "organization", "account"),
    "email": ("email", "person_email"),
    "person_name": ("person_name", "person", "full_name"),
    "external_id": ("external_id", "id"),
}
KIND_WORDS: Mapping[str, str] = {
    "funding": "funding", "fundraising": "funding", "investment": "funding", "round": "funding", "raise": "funding", "ipo": "funding",
    "hiring": "hiring", "job posting": "hiring", "jobs": "hiring", "job opening": "hiring", "headcount": "hiring", "vacancy": "hiring",
    "job change": "job_change", "job_change": "job_change", "new hire": "job_change", "promotion": "job_change",
    "leadership change": "job_change", "executive move": "job_change", "role change": "job_change",
    "technology": "technology", "technology adopted": "technology", "tech": "technology", "tech adoption": "technology",
    "technographic": "technology", "install": "technology",
    "news": "news", "press": "news", "press release": "news", "article": "news", "blog": "news", "acquisition": "news",
    "usage": "usage", "product usage": "usage", "product_usage": "usage", "product": "usage", "trial": "usage", "signup": "usage",
    "activation": "usage", "limit reached": "usage",
}  # fmt: skip


def kind_of(word: str) -> str:
    """Our kind for somebody's word, or ''."""
    plain = " ".join(word.casefold().replace("-", " ").split())
    return KIND_WORDS.get(plain) or KIND_WORDS.get(plain.replace("_", " ")) or ""


def renamed(given: Mapping[str, Any]) -> dict[str, Any]:
    """A signal as a webhook told it under our names; nested objects `company` and `person` are read too."""
    flat: dict[str, Any] = {str(name).strip().lower(): value for name, value in given.items()}
    for noun, names in (("company", {"name": "company_name", "domain": "domain", "website": "domain"}),
                        ("person", {"name": "person_name", "email": "email"})):  # fmt: skip
        inner = flat.get(noun)
        if isinstance(inner, Mapping):
            flat.pop(noun)
            for name, ours in names.items():
                if inner.get(name) and ours not in flat:
                    flat[ours] = inner[name]
    found: dict[str, Any] = {}
    for ours, names in NAMES.items():  # type: ignore[assignment]  # the values of NAMES
        value = next((flat[name] for name in names if flat.get(name) not in (None, "")), None)
        if value is not None and not isinstance(value, Mapping | list):
            found[ours] = value
    return found
