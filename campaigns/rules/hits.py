"""Is a click a person's? Versioned classifiers over raw hits; nothing is deleted, so history can be classed again.

Security gateways open every link within seconds of delivery, ask for headers only, and follow links no person can see; a
person needs time to read and opens few (product.md b1). A class is human, automated or unsure, always with the reason.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

HUMAN, AUTOMATED, UNSURE = "human", "automated", "unsure"
BURST_SECONDS = 10
# A hit is classed once every hit of its burst can have come.
SETTLE = timedelta(seconds=BURST_SECONDS + 2)
SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|preview|proofpoint|mimecast|barracuda|safelinks|curl|wget|python-|headless|go-http|java/|"
    r"okhttp|libwww|httpclient|phantom|slurp|facebookexternalhit|whatsapp|slack|teams|skypeuri|trendmicro|symantec|"
    r"forcepoint|cisco|ironport|fireeye|sophos|kaspersky|zscaler|urlscan|virustotal|checkpoint|axios|node-fetch|ruby|perl",
    re.IGNORECASE,
)
# The bare browser line that link rewriters send while a mail is on its way.
_MICROSOFT = re.compile(r"\bms-?office|microsoft office|outlook-link|bingpreview", re.IGNORECASE)
FAST_SECONDS = 5  # nobody opens, reads and clicks sooner
EARLY_SECONDS = 60  # most gateways have finished by then
ALL_WITHIN = 120
# Request headers that are kept with a hit; a classifier may look at these and at no others.
HEADERS = (
    "Purpose", "Sec-Purpose", "X-Purpose", "X-Moz", "Sec-Fetch-Mode", "Sec-Fetch-User", "Accept", "Accept-Language",
    "Referer", "Via", "X-Forwarded-For",
)  # fmt: skip
_PREFETCH = ("Purpose", "Sec-Purpose", "X-Purpose", "X-Moz")


@dataclass(frozen=True, slots=True)
class RawHit:
    """One request as it was kept. `link` None: the hidden link. `seconds_after` the mail was handed over (None: unknown)."""

    id: Any
    link: Any
    at: datetime
    method: str
    user_agent: str
    seconds_after: float | None
    ip: str = ""
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HitFeatures:
    """What a classifier sees of one hit, its burst included (hits on the same mail within BURST_SECONDS of it)."""

    method: str
    user_agent: str
    seconds_after: float | None
    other_links: int = 0  # other links of the mail in the burst
    links_total: int = 0  # tracked links of the mail
    prefetch: bool = False
    hidden: bool = False  # the hidden link was opened in the burst, or earlier by the same client
    headers_first: bool = False  # the same client asked for the same link's headers in the burst
    scanner_network: bool = False
    proxied: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def features_in_words(features: Mapping[str, Any]) -> list[str]:
    """What stood out about a hit, of the features kept with its verdict; [] where nothing did."""
    others, total = int(features.get("other_links") or 0), int(features.get("links_total") or 0)
    said = [
        (features.get("method") == "HEAD", "asked for headers only"),
        (others, f"{others + 1} of {total} links within {BURST_SECONDS} seconds"),
        (features.get("prefetch"), "prefetched"),
        (features.get("hidden"), "opened the hidden link"),
        (features.get("headers_first"), "asked for headers first"),
        (features.get("scanner_network"), "from a network of programs"),
        (features.get("proxied"), "through a proxy"),
        (features.get("repeats"), "repeats the click before it"),
    ]
    return [words for holds, words in said if holds]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Class and reason of one hit; `repeats` is the earlier hit it is one fact with, or None."""

    hit: Any
    hit_class: str
    why: str
    features: HitFeatures
    repeats: Any = None


def features_of(
    hit: RawHit, others: Sequence[RawHit], *, links_total: int, networks: Sequence[str] = ()
) -> HitFeatures:
    """The features of `hit` among every hit on the same mail (itself may be in `others`)."""
    near = [o for o in others if abs((o.at - hit.at).total_seconds()) <= BURST_SECONDS]
    links = {o.link for o in near if o.link is not None and o.link != hit.link}
    headers = hit.headers or {}

    def same_client(other: RawHit) -> bool:
        return other.user_agent == hit.user_agent and other.ip == hit.ip

    return HitFeatures(
        method=hit.method,
        user_agent=hit.user_agent,
        seconds_after=hit.seconds_after,
        other_links=len(links),
        links_total=links_total,
        prefetch=any(
            word in str(headers.get(name, "")).lower()
            for name in _PREFETCH
            for word in ("prefetch", "preview", "prerender")
        ),
        hidden=any(o.link is None and (o in near or (same_client(o) and o.at <= hit.at)) for o in [*others, hit]),
        headers_first=any(o.method == "HEAD" and o.link == hit.link and same_client(o) for o in near),
        scanner_network=_within(hit.ip, networks),
        proxied=bool(headers.get("Via")),
    )


def _within(ip: str, networks: Sequence[str]) -> bool:
    if not ip or not networks:
        return False
    try:
        address = ipaddress.ip_address(ip)
        return any(address in ipaddress.ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False


def class_v1(f: HitFeatures) -> tuple[str, str]:
    """The first rules: method, prefetch, user agent, three links at once, fifteen seconds."""
    if f.method == "HEAD":
        return AUTOMATED, "asked for headers only"
    if f.prefetch:
        return AUTOMATED, "the browser prefetched it"
    if not f.user_agent or SCANNERS.search(f.user_agent):
        return AUTOMATED, "the user agent is a program's"
    if f.other_links >= 2:
        return AUTOMATED, f"{f.other_links + 1} links within {BURST_SECONDS} seconds"
    if f.seconds_after is not None and f.seconds_after < 15:
        return UNSURE, f"{f.seconds_after:.0f} seconds after delivery"
    return HUMAN, "a browser, in human time"


def class_v2(f: HitFeatures) -> tuple[str, str]:
    """Adds the hidden link, every link at once, headers asked first, networks of programs, and a minute of doubt."""
    if f.hidden:
        return AUTOMATED, "opened the link that no person can see"
    if f.method == "HEAD":
        return AUTOMATED, "asked for headers only"
    if f.prefetch:
        return AUTOMATED, "the browser prefetched it"
    if not f.user_agent or SCANNERS.search(f.user_agent) or _MICROSOFT.search(f.user_agent):
        return AUTOMATED, "the user agent is a program's"
    if f.headers_first:
        return AUTOMATED, "the same client asked for headers only, too"
    if f.scanner_network:
        return AUTOMATED, "from a network of programs"
    if f.other_links >= 2:
        return AUTOMATED, f"{f.other_links + 1} links within {BURST_SECONDS} seconds"
    after = f.seconds_after
    opened_all = f.links_total >= 2 and f.other_links + 1 >= f.links_total
    if opened_all and after is not None and after < ALL_WITHIN:
        return AUTOMATED, f"every link of the mail within {BURST_SECONDS} seconds, {after:.0f} seconds after delivery"
    if after is None:
        return UNSURE, "it is not known when the mail was delivered"
    if after < FAST_SECONDS:
        return AUTOMATED, f"{after:.0f} seconds after delivery: nobody reads so fast"
    if after < EARLY_SECONDS:
        return UNSURE, f"{after:.0f} seconds after delivery, when gateways look"
    if opened_all:
        return UNSURE, f"every link of the mail within {BURST_SECONDS} seconds"
    if "mozilla/" not in f.user_agent.lower():
        return UNSURE, "the user agent is no browser’s"
    return HUMAN, "a browser, in human time"


CLASSIFIERS: dict[int, Callable[[HitFeatures], tuple[str, str]]] = {1: class_v1, 2: class_v2}
VERSION = 2


def current_version() -> int:
    """The version that classes new hits: the highest there is."""
    return max(CLASSIFIERS)


def class_of(features: HitFeatures, *, version: int | None = None) -> tuple[str, str]:
    """(human | automated | unsure, why in words)."""
    return CLASSIFIERS[version or current_version()](features)


def judge(
    hits: Sequence[RawHit], *, links_total: int, networks: Sequence[str] = (), version: int | None = None
) -> list[Verdict]:
    """A verdict on every hit of one mail, in order of time.

    The same link again within BURST_SECONDS and in the same class is one fact with the hit before it.
    """
    found: list[Verdict] = []
    last: dict[tuple[Any, str], tuple[datetime, Any]] = {}  # (link, class) -> latest hit, and the first of its row
    for hit in sorted(hits, key=lambda row: (row.at, str(row.id))):
        features = features_of(hit, hits, links_total=links_total, networks=networks)
        hit_class, why = class_of(features, version=version)
        before = last.get((hit.link, hit_class))
        repeats = before[1] if before and (hit.at - before[0]).total_seconds() < BURST_SECONDS else None
        last[hit.link, hit_class] = (hit.at, repeats or hit.id)
        found.append(Verdict(hit.id, hit_class, why, features, repeats))
    return found
