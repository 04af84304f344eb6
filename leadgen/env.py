"""Read settings from the environment, loudly: a value that cannot be used stops the start with its name and remedy."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that NAME_FILE names (container secrets)."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE points at {path}, which cannot be read: {error}") from error
    return os.environ.get(name, default)


def boolean(name: str, default: bool) -> bool:
    value = text(name).strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false")


def integer(name: str, default: int) -> int:
    value = text(name)
    try:
        return int(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number") from error


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def proxies(name: str) -> int | tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """How many proxies stand in front, or the networks they are in; 0 for none."""
    listed = words(name)
    if len(listed) == 1 and listed[0].isdecimal():
        return int(listed[0])
    try:
        return tuple(ipaddress.ip_network(word) for word in listed) or 0
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name}={text(name)!r} is neither a number of proxies nor a list of their networks: {error}"
        ) from error


def database(url: str, name: str) -> dict[str, object]:
    """Django's DATABASES entry for postgresql://user:password@host:port/name?host=/socket/dir."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must be a postgresql:// URL; Leadgen runs on PostgreSQL 18 only")
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or unquote(parts.hostname or "")
    port = query.pop("port", None) or (str(parts.port) if parts.port else "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": integer("DB_CONN_MAX_AGE", 60),
        "ATOMIC_REQUESTS": False,  # the workspace middleware opens the transaction (ground.md section 1)
        "OPTIONS": query,
    }
