"""Names of codes that standards give: countries and currencies, as pages and rules in words say them."""

from functools import lru_cache

import pycountry


@lru_cache(maxsize=1)
def countries() -> dict[str, str]:
    """Name by ISO alpha-2 code, by name."""
    named = ((item.alpha_2, getattr(item, "common_name", item.name)) for item in pycountry.countries)
    return dict(sorted(named, key=lambda pair: pair[1]))


@lru_cache(maxsize=1)
def currencies() -> dict[str, str]:
    """Name by ISO 4217 code."""
    return {item.alpha_3: item.name for item in pycountry.currencies}


def country_name(code: str) -> str:
    """The name of an ISO alpha-2 code; the code itself where it is none."""
    return countries().get(code, code)


def currency_name(code: str) -> str:
    """The name of an ISO 4217 code; the code itself where it is none."""
    return currencies().get(code, code)
