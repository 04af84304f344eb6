"""Cells of other programs into the one form kept here. Each function returns the value or raises Unusable.

An empty cell is not their concern: callers skip it. Nothing is guessed in silence: where a reading is doubtful the
result carries a `note`.
"""

import json
import re
from functools import lru_cache
from typing import NamedTuple

import idna
import phonenumbers
import tldextract

from prospects.rules.normalise_numbers import (
    Money,
    NumberColumn,
    NumberFormat,
    currency_code,
    find_number_format,
    money,
    number,
    whole_number,
)
from prospects.rules.normalise_text import Unusable, clean_text, plain, word_set

__all__ = [
    "FREE_MAIL", "Email", "Money", "NumberColumn", "NumberFormat", "Unusable", "boolean", "clean_text", "company_domain",
    "currency_code", "domain", "email", "find_number_format", "host", "linkedin", "money", "number", "phone", "plain",
    "registrable", "url", "whole_number", "word_set", "words_list", "year",
]  # fmt: skip

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_ADDRESS_IN_BRACKETS = re.compile(r"<([^<>@\s]+@[^<>\s]+)>")
_SEVERAL = re.compile(r"[;,|\s]+(?=\S+@)")
_NEXT_PHONE = re.compile(r"\s*(?:;(?!ext=)|[|\n]|,\s*(?=[+0(])|\s/\s|:::)\s*")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/*", re.IGNORECASE)
# Mailbox providers: their domain says nothing about the employer.
FREE_MAIL = word_set(
    """gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de ymail.com hotmail.com hotmail.co.uk hotmail.fr
    hotmail.de outlook.com outlook.de outlook.fr live.com live.co.uk live.fr msn.com icloud.com me.com mac.com aol.com
    gmx.de gmx.net gmx.at gmx.ch gmx.com web.de t-online.de freenet.de arcor.de orange.fr wanadoo.fr free.fr sfr.fr
    laposte.net libero.it virgilio.it tiscali.it proton.me protonmail.com pm.me mail.com mail.ru yandex.ru yandex.com
    qq.com 163.com 126.com sina.com naver.com comcast.net verizon.net att.net btinternet.com zoho.com fastmail.com
    tutanota.com hey.com bluewin.ch seznam.cz wp.pl o2.pl interia.pl uol.com.br bol.com.br terra.es"""
)
# The list inside the package; no look-up on the network and no cache on disk.
_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


class Email(NamedTuple):
    """An address in lower case, its domain in ASCII; `note` where the cell held more than one."""

    address: str
    note: str = ""


@lru_cache(maxsize=4096)
def host(text: str) -> str:
    """The host of a URL, an address or a bare domain: lower case ASCII, without www."""
    name = (
        _SCHEME.sub("", text.strip(), count=1) if "://" in text or text.lower().startswith("mailto:") else text.strip()
    )
    name = re.split(r"[\s,;|]+(?=\S)", name.strip().replace("\\", "/").removeprefix("//"))[0]  # of several, the first
    name = name.split("/")[0].split("?")[0].split("#")[0].rsplit("@", 1)[-1]
    name = re.sub(r":[0-9]+\Z", "", name).strip(" .,;").lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise Unusable(f'"{text[:80]}" is not a domain') from error
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise Unusable(f'"{text[:80]}" is not a domain', "Write it like example.com.")
    return name.removeprefix("www.")


def domain(text: str) -> str:
    """The registrable domain of a URL, an address or a host: blog.acme.co.uk gives acme.co.uk."""
    return registrable(host(text))


@lru_cache(maxsize=65536)
def registrable(name: str) -> str:
    """The part of a host that an organisation registers, by the public suffix list; its last two labels if unknown."""
    if name.count(".") == 1:
        return name
    found = _extract(name)
    if found.domain and found.suffix:
        return f"{found.domain}.{found.suffix}"
    return ".".join(name.split(".")[-2:])


def email(text: str) -> Email:
    """The (first) address of a cell: "Ana <Ana@Bücher.example>" gives ana@xn--bcher-kva.example."""
    local, at, where = text.partition("@")
    if at and _PLAIN_LOCAL.fullmatch(local) and _HOST.fullmatch(where := where.lower()) and len(where) <= 253:
        return Email(f"{local.lower()}@{where}", "")  # as nearly all are
    raw = text.strip()
    bracketed = _ADDRESS_IN_BRACKETS.search(raw)
    address = (bracketed[1] if bracketed else raw).removeprefix("mailto:").strip(' <>.,;"')
    if address.startswith("'") and address.endswith("'"):  # one alone is a sign of the address
        address = address.strip("'")
    note = ""
    if " " in address or ";" in address or "," in address or "|" in address:
        first, *others = _SEVERAL.split(address)
        if others:
            address, note = first.strip(" ;,"), f"took {first.strip(' ;,')} of {len(others) + 1} addresses"
    local, at, where = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > 64:
        hint = (
            "Letters beyond ASCII before the @ cannot be mailed."
            if not local.isascii()
            else "Write it like ana@example.com."
        )
        raise Unusable(f'"{raw[:80]}" is not an e-mail address', hint)
    try:
        return Email(f"{local.lower()}@{_mail_host(where)}", note)
    except Unusable as error:
        raise Unusable(f'"{raw[:80]}" is not an e-mail address', "Write it like ana@example.com.") from error


@lru_cache(maxsize=65536)
def _mail_host(name: str) -> str:
    lowered = name.lower()
    if _HOST.fullmatch(lowered) and len(lowered) <= 253:
        return lowered
    if name.isascii():
        raise Unusable("not a host")
    return host(name)


def company_domain(address: str) -> str:
    """The domain of an e-mail address if it can be an employer's, else "" (mailbox providers)."""
    name = registrable(address.rpartition("@")[2])
    return "" if name in FREE_MAIL else name


_CALLED = re.compile(r"\+[0-9][0-9 ()./-]*[0-9]", re.ASCII)
_PUNCTUATION = str.maketrans("", "", " ()./-")


@lru_cache(maxsize=512)
def _plan(code: str) -> tuple[frozenset[int], re.Pattern[str] | None]:
    """The lengths a national number of this calling code may have, and what would be cut from its front."""
    if not code.isdigit() or code.startswith("0") or int(code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return frozenset(), None
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)][0]
    data = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    if data is None or data.general_desc is None:
        return frozenset(), None
    prefix = data.national_prefix_for_parsing
    lengths = (*data.general_desc.possible_length, *data.general_desc.possible_length_local_only)
    return frozenset(lengths), re.compile(prefix) if prefix else None


def _international(text: str) -> str:
    """The E.164 form of a number written with + and nothing that needs a second look, else ""; far quicker than the library,
    and from its tables: calling code, possible lengths, national prefix."""
    if not _CALLED.fullmatch(text):
        return ""
    digits = text[1:].translate(_PUNCTUATION)
    for width in (1, 2, 3):
        lengths, prefix = _plan(digits[:width])
        if lengths:
            national = digits[width:]
            if (
                len(national) not in lengths
                or len(national) < 6
                or national[0] == "0"
                or (prefix and prefix.match(national))
            ):
                return ""
            return f"+{digits}"
    return ""


@lru_cache(maxsize=4096)
def phone(text: str, country: str = "") -> str:
    """E.164. `country` (ISO alpha-2) reads national numbers; without it only numbers with + are sure."""
    if quick := _international(text):
        return quick
    raw = re.sub(r"\A'|\.0\Z", "", text.strip())
    if re.fullmatch(r"[0-9.,]+E\+?[0-9]+", raw, re.IGNORECASE):
        raise Unusable(
            f'"{raw}" was made a number by a spreadsheet and has lost digits',
            "Make the column text, then export again.",
        )
    raw = _NEXT_PHONE.split(raw)[0]
    if not country:
        raw = re.sub(r"\A00(?=[1-9])", "+", raw)  # how most of the world dials abroad
    try:
        parsed = phonenumbers.parse(raw, country.upper() or None)
    except phonenumbers.NumberParseException as error:
        hint = "Write it with its country code: +49 30 123456." if not country else "Check the digits."
        raise Unusable(f'"{raw[:40]}" is not a phone number', hint) from error
    if (
        not phonenumbers.is_possible_number(parsed) or (parsed.national_number or 0) < 100_000
    ):  # some plans allow two digits
        raise Unusable(f'"{raw[:40]}" is not a possible phone number', "Check the digits.")
    written: str = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if parsed.extension:
        written += f";ext={parsed.extension}"
    return written


def words_list(text: str) -> list[str]:
    """A list cell into its parts, in order, each once: split at ; or | or line ends, else at commas; or a JSON list."""
    if text.startswith('["') and (listed := _json_list(text)):
        return listed
    cut = next((sign for sign in (";", "|", "\n") if sign in text), ",")
    parts = (" ".join(part.split()) for part in text.strip("[] ").split(cut))
    seen: dict[str, str] = {}
    for part in parts:
        if part:
            seen.setdefault(part.casefold(), part.strip("\"'"))
    return list(seen.values())


def _json_list(text: str) -> list[str]:
    """The words of a JSON list, as our own export writes those that hold a comma or semicolon; none for what is no such."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        return []
    return list({word.casefold(): word for word in reversed([w.strip() for w in found]) if word}.values())[::-1]


def boolean(text: str) -> bool:
    """Yes or no in six languages, 1 or 0, true or false, x."""
    word = plain(text)
    if word in {"1", "true", "yes", "y", "x", "ja", "j", "oui", "o", "si", "s", "sim", "wahr", "vrai", "on", "t"}:
        return True
    if word in {"0", "false", "no", "n", "nein", "non", "nao", "falsch", "faux", "off", "f", ""}:
        return False
    raise Unusable(f'"{text[:40]}" is neither yes nor no', "Write yes or no.")


def linkedin(text: str) -> str:
    """A LinkedIn profile or company page as https://www.linkedin.com/in/name."""
    found = re.search(
        r"linkedin\.com/((?:in|pub|company|school|sales/lead|sales/people)/[^/?#\s]+)", text, re.IGNORECASE
    )
    if found:
        kind, _, slug = found[1].rpartition("/")
        return f"https://www.linkedin.com/{kind.lower()}/{slug if 'sales' in kind.lower() else slug.lower()}"
    if re.fullmatch(r"(?:in/)?[\w-]{3,100}", text.strip()):
        return f"https://www.linkedin.com/in/{text.strip().removeprefix('in/').lower()}"
    raise Unusable(f'"{text[:80]}" is not a LinkedIn page', "Write it like https://www.linkedin.com/in/ana.")


def url(text: str) -> str:
    """A web address with its scheme; https where none is written."""
    raw = re.split(r"\s+|[,;|](?=\s|https?:|www\.)", text.strip())[0].replace("\\", "/")
    host(raw)  # raises where there is none
    scheme, rest = re.match(r"(?:(https?):/+|//)?(.*)", raw, re.IGNORECASE | re.DOTALL).groups()  # type: ignore[union-attr]
    place, slash, path = rest.partition("/")
    if not slash and (cut := re.search(r"[?#]", rest)):
        place, path, slash = rest[: cut.start()], rest[cut.start() :], "/"
    path = path if path and path != "/" else ""
    return f"{(scheme or 'https').lower()}://{place.lower()}{slash + path if path else ''}"


def year(text: str) -> int:
    """A year of foundation: "1902", "2013 (1888)" (the first), "1889.0"."""
    found = re.match(r"\s*(1[0-9]{3}|20[0-9]{2})(?![0-9])", text)
    if not found:
        raise Unusable(f'"{text[:40]}" is not a year', "Write four digits.")
    return int(found[1])
