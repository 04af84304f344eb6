"""Whose request is it: the one place that says from which address it came, behind proxies or not.

`X-Forwarded-For` is a list that each proxy appends to, so only what our own proxies wrote can be believed: entries are read
from the right, and never further than TRUSTED_PROXIES reaches. Without that setting the header is not looked at.
"""

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.conf import settings

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(request: Any) -> str | None:
    """The address of whoever sent this request, as text; None where it is not known (a socket file without a proxy)."""
    found = address_behind(
        peer=request.META.get("REMOTE_ADDR", ""),
        forwarded=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        trusted=settings.TRUSTED_PROXIES,
    )
    return str(found) if found is not None else None


def address_behind(*, peer: str, forwarded: str, trusted: int | Sequence[Network]) -> Address | None:
    """The client behind `trusted` proxies (how many, or their networks), from the connection's address and the header.

    A number: so many hops are ours, the connection's own included, and the client is the entry before them. Networks: the
    first address from the right that is in none of them. A header shorter than that, or with something that is no
    address where the client should stand, was not written by those proxies: the address nearest to it that is known counts.
    """
    known = _address(peer)
    if not trusted or not forwarded:
        return known
    entries = forwarded.split(",")
    if isinstance(trusted, int):
        return (_address(entries[-trusted]) or known) if len(entries) >= trusted else known
    while entries and known is not None and any(known in network for network in trusted):
        before = _address(entries.pop())
        if before is None:
            break
        known = before
    return known


def _address(text: str) -> Address | None:
    """One address, with a port or in brackets as some proxies write it. None for anything else ("unknown", a name)."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is that client over a socket for both families: networks and limits are meant for 192.0.2.1.
    return getattr(found, "ipv4_mapped", None) or found
