"""Countries, regions and cities: names in several languages into ISO codes."""

import difflib
import gettext
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import available_timezones

import pycountry

from prospects.rules.normalise import Unusable, plain

_LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da")
_ALSO = {
    "usa": "US", "u s a": "US", "u s": "US", "us": "US", "united states of america": "US", "america": "US",
    "estados unidos": "US", "etats unis": "US", "uk": "GB", "u k": "GB", "great britain": "GB", "england": "GB",
    "scotland": "GB", "wales": "GB", "northern ireland": "GB", "grossbritannien": "GB", "angleterre": "GB",
    "royaume uni": "GB", "reino unido": "GB", "holland": "NL", "korea": "KR", "south korea": "KR", "north korea": "KP",
    "sudkorea": "KR", "russia": "RU", "russland": "RU", "czech republic": "CZ", "czechia": "CZ", "tschechien": "CZ",
    "taiwan": "TW", "iran": "IR", "vietnam": "VN", "laos": "LA", "syria": "SY", "moldova": "MD", "tanzania": "TZ",
    "bolivia": "BO", "venezuela": "VE", "ivory coast": "CI", "cote d ivoire": "CI", "uae": "AE", "u a e": "AE",
    "emirates": "AE", "turkey": "TR", "turkiye": "TR", "turkei": "TR", "macau": "MO", "hong kong sar": "HK",
    "brunei": "BN", "palestine": "PS", "macedonia": "MK", "swaziland": "SZ", "burma": "MM", "cape verde": "CV",
    "brd": "DE", "schweiz": "CH", "suisse": "CH", "svizzera": "CH", "deutschland": "DE", "osterreich": "AT",
    "bharat": "IN", "the netherlands": "NL", "republic of ireland": "IE", "eire": "IE", "kosovo": "XK",
}  # fmt: skip
_STATES = {"US": "U.S. state", "CA": "Canadian province"}


class Country(NamedTuple):
    """ISO 3166-1 alpha-2; `note` where the spelling was not exact."""

    code: str
    note: str = ""


class Location(NamedTuple):
    """Parts of a place as written; country is ISO alpha-2 or ""."""

    city: str
    region: str
    country: str
    note: str = ""  # where a spelling was not exact


@cache
def currencies() -> frozenset[str]:
    """Every ISO 4217 code."""
    return frozenset(currency.alpha_3 for currency in pycountry.currencies)


@cache
def _names() -> dict[str, str]:
    """Plain name in any of the languages -> alpha-2. Our own words win over the lists."""
    names: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            if name := getattr(country, attribute, ""):
                names.setdefault(plain(name), country.alpha_2)
                names.setdefault(plain(name.split(",")[0]), country.alpha_2) if "," in name else None
    for language in _LANGUAGES:
        translated = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for country in pycountry.countries:
            names.setdefault(plain(translated.gettext(country.name)), country.alpha_2)
            if common := getattr(country, "common_name", ""):
                names.setdefault(plain(translated.gettext(common)), country.alpha_2)
    return names | _ALSO


def country_known(text: str) -> bool:
    """Whether the text is a country, spelt right; quick."""
    word = plain(text)
    return word in _names() or (len(word) == 2 and pycountry.countries.get(alpha_2=word.upper()) is not None)


@lru_cache(maxsize=4096)
def country(text: str) -> Country:
    """ISO alpha-2 for a code or a name in nine languages; a misspelt name is read with a note. Raises Unusable."""
    word = plain(text)
    if word in _ALSO:
        return Country(_ALSO[word])
    if len(word) in (2, 3) and word.isascii():
        code = word.upper()
        by_code = pycountry.countries.get(alpha_2=code) if len(code) == 2 else pycountry.countries.get(alpha_3=code)
        if by_code:
            return Country(by_code.alpha_2)
    names = _names()
    if word in names:
        return Country(names[word])
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.87) if len(word) > 4 else []
    if near:
        return Country(names[near[0]], f'"{text[:40]}" read as {names[near[0]]}')
    raise Unusable(f'"{text[:60]}" is not a country', "Write its name or its ISO code, such as DE.")


@cache
def _states() -> dict[str, tuple[str, str]]:
    """Plain name or code of a U.S. state or Canadian province -> (name, country)."""
    found: dict[str, tuple[str, str]] = {}
    for code in _STATES:
        for part in (part for part in pycountry.subdivisions if part.country_code == code):
            found.setdefault(plain(part.name), (part.name, code))
            found.setdefault(part.code.split("-")[1].casefold(), (part.name, code))
    found["d c"] = found["washington d c"] = ("District of Columbia", "US")
    return found


@lru_cache(maxsize=4096)
def location(text: str) -> Location:
    """ "Saint Paul, Minnesota", "Dublin, Ireland", "Berlin, BE, Germany" or "Kenya" into city, region, country.

    Never raises: what is not recognised stays a city or region as it was written.
    """
    # A note such as "Toronto, Canada; also New York" or "London, UK[2]" belongs to nobody.
    parts = [" ".join(part.split()) for part in text.split(";")[0].split("[")[0].split(",") if part.strip()]
    if not parts:
        return Location("", "", "")
    last = plain(parts[-1])
    state = _states().get(last)
    if state and (len(parts) > 1 or len(last) > 2):
        return Location(", ".join(parts[:-1]), state[0], state[1])
    try:
        code, note = country(parts[-1])
    except Unusable:
        return Location(parts[0], ", ".join(parts[1:]), "")
    rest = parts[:-1]
    if len(rest) > 1:
        region = rest[-1]
        known = _states().get(plain(region))
        return Location(", ".join(rest[:-1]), known[0] if known and known[1] == code else region, code, note)
    return Location(rest[0] if rest else "", "", code, note)


@cache
def _zone_countries() -> dict[str, str]:
    """Time zone -> the country most of it lies in, from the zone database's own table."""
    found: dict[str, str] = {}
    for line in resources.files("tzdata.zoneinfo").joinpath("zone1970.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            codes, _, zone, *_ = line.split("\t")
            found[zone] = codes.split(",")[0]
    for line in resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            code, _, zone, *_ = line.split("\t")
            found[zone] = code
    return found


def country_of_zone(zone: str) -> str:
    """The ISO code of a time zone's country ("Europe/Lisbon": PT); "" for UTC and the like."""
    return _zone_countries().get(zone, "")


def zone(text: str) -> str:
    """An IANA time zone; upper and lower case and blanks are the same. Raises Unusable."""
    found = _zones().get(text.strip().replace(" ", "_").casefold())
    if found is None:
        raise Unusable(f'"{text[:40]}" is not a time zone', "Use a name such as Europe/Lisbon.")
    return found


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}
