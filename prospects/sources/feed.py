"""Feeds (RSS, Atom): what an answer contains, as plain values. The network is `leadgen.core.web`."""

import io
import time
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import feedparser
from selectolax.lexbor import LexborHTMLParser

MOST = 200  # entries of one answer
MAX_HTML = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed, as plain text."""

    guid: str
    title: str
    text: str
    url: str
    at: datetime | None
    links: tuple[str, ...] = ()


class NoFeed(ValueError):
    """The answer is no feed, in words."""


def read_feed(body: bytes, headers: dict[str, str]) -> tuple[str, list[Entry]]:
    """(title, entries, the newest first). Raises NoFeed."""
    # A stream, never the text itself: the library would take a text for an address or a file name.
    found = feedparser.parse(io.BytesIO(body), response_headers=headers, resolve_relative_uris=False)
    if not found.entries and not found.get("version"):
        raise NoFeed("The address answers with something that is no RSS or Atom feed.")
    entries = [entry for entry in map(_entry, found.entries[:MOST]) if entry.title]
    oldest = datetime(1990, 1, 1, tzinfo=UTC)
    return _line(found.feed.get("title", ""))[:120], sorted(entries, key=lambda e: e.at or oldest, reverse=True)


def _entry(raw: Any) -> Entry:
    html = "".join(part.get("value", "") for part in raw.get("content", ())) or raw.get("summary", "")
    text, links = _plain(html[:MAX_HTML])
    url = raw.get("link", "")
    return Entry(
        guid=str(raw.get("id") or url or raw.get("title", ""))[:1000],
        title=_line(_plain(raw.get("title", ""))[0])[:300],
        text=text[:2000],
        url=url if url.startswith(("https://", "http://")) and len(url) <= 500 else "",
        at=_at(raw.get("published_parsed") or raw.get("updated_parsed")),
        links=tuple(links[:100]),
    )


def _plain(html: str) -> tuple[str, list[str]]:
    """Text without tags, and where its links lead."""
    if "<" not in html and "&" not in html:
        return html.replace("\x00", "").strip(), []
    tree = LexborHTMLParser(html)
    for node in tree.css("script, style"):
        node.decompose()
    links = [str(node.attributes.get("href") or "") for node in tree.css("a[href]")]
    text = tree.body.text(separator=" ") if tree.body is not None else ""
    return _line(text), [link for link in links if link.startswith(("https://", "http://"))]


def _line(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())


def _at(parsed: time.struct_time | None) -> datetime | None:
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
