"""Time zones and currencies that can be chosen."""

from functools import lru_cache
from zoneinfo import available_timezones

from leadgen.core.names import currencies

COMMON_CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "INR", "JPY", "BRL", "SGD")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA zone this machine knows."""
    return name in _zones()


@lru_cache(maxsize=1)
def zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """IANA zones by region, for a select; UTC first."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(_zones()):
        region, _, city = name.partition("/")
        if city and region not in {"Etc", "SystemV", "US", "Brazil", "Canada", "Chile", "Mexico", "posix", "right"}:
            regions.setdefault(region, []).append((name, city.replace("_", " ").replace("/", ", ")))
    return [("Universal", [("UTC", "UTC")]), *sorted(regions.items())]


def is_currency(code: str) -> bool:
    """Whether `code` is an ISO 4217 code, upper case."""
    return code in currencies()


@lru_cache(maxsize=1)
def currency_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Currencies for a select, common ones first."""
    names = currencies()
    common = [(code, f"{code}, {names[code]}") for code in COMMON_CURRENCIES]
    others = [(code, f"{code}, {name}") for code, name in sorted(names.items()) if code not in COMMON_CURRENCIES]
    return [("Common", common), ("All", others)]
