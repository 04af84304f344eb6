"""Is a click a human's? Versioned, and never deleted: raw features are kept, so history can be classed again.

Security gateways open every link within seconds of delivery; a person needs longer and clicks few (product.md b1).
"""

import re
from dataclasses import dataclass

VERSION = 1
SCANNERS = re.compile(
    r"bot|crawl|spider|scan|preview|proofpoint|mimecast|barracuda|safelinks|curl|wget|python-requests|headless",
    re.IGNORECASE,
)
FAST_SECONDS = 15
BURST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class HitFeatures:
    """`seconds_after` since the mail was handed over (None: unknown); `other_links` clicked of the same mail in a burst."""

    method: str
    user_agent: str
    seconds_after: float | None
    other_links: int = 0
    prefetch: bool = False


def class_of(features: HitFeatures) -> tuple[str, str]:
    """(human | automated | unsure, why in words)."""
    if features.method == "HEAD":
        return "automated", "asked for headers only"
    if features.prefetch:
        return "automated", "the browser prefetched it"
    if not features.user_agent or SCANNERS.search(features.user_agent):
        return "automated", "the user agent is a program's"
    if features.other_links >= 2:
        return "automated", f"{features.other_links + 1} links within {BURST_SECONDS} seconds"
    if features.seconds_after is not None and features.seconds_after < FAST_SECONDS:
        return "unsure", f"{features.seconds_after:.0f} seconds after delivery"
    return "human", "a browser, in human time"
