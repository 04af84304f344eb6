"""What the settings of a mailbox must fulfil: pure checks of values, each failure with its field and its remedy."""

from collections.abc import Mapping
from datetime import time
from typing import Any
from zoneinfo import available_timezones

from campaigns.rules.mime import normalise_address
from campaigns.rules.providers import PROVIDERS, provider_of_host
from leadgen.core import egress
from leadgen.core.errors import Invalid

NUMBERS = {
    "daily_cap": (1, 10_000), "min_gap_seconds": (0, 86_400), "gap_jitter_seconds": (0, 86_400), "weight": (1, 100),
    "domain_cap": (1, 10_000), "port": (1, 65_535), "imap_port": (1, 65_535),
}  # fmt: skip
CLEAR = "Without encryption the password would be readable on the way. Use STARTTLS or TLS."


def clean_mailbox(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are stored. Raises Invalid with the field."""
    cleaned = dict(values)
    cleaned["address"] = normalise_address(str(values.get("address", "")), field="address").lower()
    cleaned["from_name"] = " ".join(str(values.get("from_name", "")).split())
    if not cleaned["from_name"]:
        raise Invalid("Give the name people see as the sender.", field="from_name")
    for name in ("host", "imap_host"):
        cleaned[name] = str(values.get(name) or "").strip().lower().rstrip(".")
    for name, (least, most) in NUMBERS.items():
        number = cleaned.get(name)
        if number is not None and not least <= int(number) <= most:
            raise Invalid(f"Use a number from {least} to {most:,}.", field=name)
    _servers(cleaned)
    _window(cleaned)
    return cleaned


def _servers(cleaned: dict[str, Any]) -> None:
    auth = cleaned.get("auth", "password")
    if cleaned.get("route", "smtp") == "smtp":
        if auth in PROVIDERS:
            _at_home(cleaned, auth, "", PROVIDERS[auth].smtp)
        if not cleaned["host"]:
            raise Invalid("Give the SMTP server, such as smtp.provider.example.", field="host")
        check_server(cleaned["host"], int(cleaned.get("port") or 587), str(cleaned.get("security") or "starttls"), "")
    if cleaned.get("sync") == "imap":
        if auth in PROVIDERS:
            _at_home(cleaned, auth, "imap_", PROVIDERS[auth].imap)
        if not cleaned["imap_host"]:
            raise Invalid("Give the IMAP server, such as imap.provider.example.", field="imap_host")
        port, security = int(cleaned.get("imap_port") or 993), str(cleaned.get("imap_security") or "tls")
        check_server(cleaned["imap_host"], port, security, "imap_")


def _at_home(cleaned: dict[str, Any], auth: str, prefix: str, server: Any) -> None:
    """A token of a provider goes to that provider's servers and nowhere else."""
    host = cleaned[f"{prefix}host"]
    if host and (egress.is_allowed(host) or provider_of_host(host) is PROVIDERS[auth]):
        return
    cleaned[f"{prefix}host"], cleaned[f"{prefix}port"], cleaned[f"{prefix}security"] = (
        server.host, server.port, server.security,
    )  # fmt: skip


def check_server(host: str, port: int, security: str, prefix: str) -> None:
    """Raises Invalid for a port without mail, a private address, or a line without encryption."""
    try:
        egress.check_mail_name(host, port)
    except Invalid as error:
        raise Invalid(error.message, field=f"{prefix}{error.field}") from error
    if security == "none" and not egress.is_allowed(host):
        raise Invalid(CLEAR, field=f"{prefix}security")


def _window(cleaned: dict[str, Any]) -> None:
    start, end = cleaned.get("window_start"), cleaned.get("window_end")
    if (start is None) != (end is None):
        missing = "window_start" if start is None else "window_end"
        raise Invalid("Give both times, or neither.", field=missing)
    if isinstance(start, time) and isinstance(end, time) and start >= end and end != time(0):
        raise Invalid("The window must end after it begins.", field="window_end")
    days = cleaned.get("window_weekdays")
    if days is not None:
        chosen = sorted({int(day) for day in days})
        if not chosen or not set(chosen) <= set(range(7)):
            raise Invalid("Choose at least one weekday.", field="window_weekdays")
        cleaned["window_weekdays"] = chosen
    zone = cleaned.get("time_zone")
    if zone and zone not in available_timezones():
        raise Invalid("This is no time zone. Use a name such as Europe/Lisbon.", field="time_zone")
