"""Cells of other programs into the one form kept here. Each function returns the value or raises Unusable.

An empty cell is not their concern: callers skip it. Nothing is guessed in silence: where a reading is doubtful the
result carries a `note`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

import idna
import phonenumbers
import tldextract

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_ADDRESS_IN_BRACKETS = re.compile(r"<([^<>@\s]+@[^<>\s]+)>")
_SEVERAL = re.compile(r"[;,|\s]+(?=\S+@)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/*", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9., '’\u00a0\u202f]*|[.,][0-9]+)")
_RANGE = re.compile(r"(.*[0-9][kKmM]?)\s*(?:-|–|—|to|bis|à)\s*([0-9].*)")
_SCALES = {
    "k": 10**3, "tsd": 10**3, "thousand": 10**3, "m": 10**6, "mm": 10**6, "mn": 10**6, "mio": 10**6, "mill": 10**6,
    "million": 10**6, "millions": 10**6, "millionen": 10**6, "b": 10**9, "bn": 10**9, "mrd": 10**9, "md": 10**9,
    "billion": 10**9, "billions": 10**9, "milliarden": 10**9,
}  # fmt: skip
_SIGNS = {
    "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW", "zł": "PLN", "kč": "CZK",
    "us$": "USD", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
    "r$": "BRL", "mx$": "MXN", "$": "USD", "chf": "CHF", "fr.": "CHF", "sfr": "CHF", "euro": "EUR", "euros": "EUR",
}  # fmt: skip


def word_set(line: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(line.split())


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


class Unusable(ValueError):
    """A cell that cannot be what its column should hold. `remedy` says what the user can do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


class Email(NamedTuple):
    """An address in lower case, its domain in ASCII; `note` where the cell held more than one."""

    address: str
    note: str = ""


class Money(NamedTuple):
    """An amount and its ISO 4217 code, "" where the cell names none."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Which sign is the decimal one in a column. `words` states it; `sure` is False where no value proves it."""

    decimal: str = "."
    words: str = ""
    sure: bool = True


def plain(text: str) -> str:
    """Lower case, no accents, words apart by one space: the form in which names and words are compared."""
    text = text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("æ", "ae").replace("ł", "l")
    text = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() or c == "+" else " " for c in text if not unicodedata.combining(c))
    return " ".join(kept.split())


def clean_text(text: str) -> str:
    """Trimmed, NFC, without invisible characters, and without the ' which exports put before = + - @ to disarm them."""
    if text.isascii() and text.isprintable():
        text = text.strip()
    else:
        text = unicodedata.normalize("NFC", text)
        text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
        text = text.replace("\u00a0", " ").strip()
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t":
        return text[1:]
    return text


@lru_cache(maxsize=4096)
def host(text: str) -> str:
    """The host of a URL, an address or a bare domain: lower case ASCII, without www."""
    name = (
        _SCHEME.sub("", text.strip(), count=1) if "://" in text or text.lower().startswith("mailto:") else text.strip()
    )
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


@dataclass(slots=True)
class NumberColumn:
    """Finds the decimal sign of a column in one pass; see find_number_format."""

    votes: Counter[str] = field(default_factory=Counter)
    unsure: Counter[str] = field(default_factory=Counter)

    def add(self, value: str) -> None:
        """Take one cell into account."""
        if "." not in value and "," not in value:
            return
        found = _NUMBER.search(value)
        digits = found[0].strip(" .,'’") if found else ""
        dots, commas = digits.count("."), digits.count(",")
        if dots and commas:
            self.votes["," if digits.rfind(",") > digits.rfind(".") else "."] += 1
        elif dots > 1 or commas > 1:
            self.votes["," if dots else "."] += 1
        elif dots or commas:
            sign = "." if dots else ","
            before, behind = digits.lstrip("+-").split(sign)
            if len(behind) == 3 and 1 <= len(before) <= 3 and before != "0":
                self.unsure[sign] += 1
            else:
                self.votes[sign] += 1

    def found(self) -> NumberFormat:
        """The format of the values so far."""
        if self.votes:
            best = self.votes.most_common(1)[0][0]
            mixed = len(self.votes) > 1
            words = f'decimal sign "{best}"' + (" in most values, the other in some" if mixed else "")
            return NumberFormat(best, words, sure=not mixed)
        if len(self.unsure) == 1:
            sign = next(iter(self.unsure))
            decimal = "," if sign == "." else "."
            return NumberFormat(
                decimal, f'"{sign}" before three digits read as thousands: 1{sign}234 is 1234', sure=False
            )
        return NumberFormat(".", 'decimal sign "."', sure=not self.unsure)


def find_number_format(values: Iterable[str]) -> NumberFormat:
    """Which of "." and "," is the decimal sign, from every value of a column.

    Proof: both signs in a value (the last is decimal), a sign followed by other than three digits (decimal), a sign
    twice (thousands). A lone sign with three digits behind it proves nothing; a column with only such values is read
    as thousands, and says so.
    """
    column = NumberColumn()
    for value in values:
        column.add(value)
    return column.found()


def number(text: str, fmt: NumberFormat | None = None) -> Decimal:
    """A number with thousands, sign, accounting brackets and a scale word: "(1.5k)" is -1500."""
    if text.isascii() and text.isdigit():
        return Decimal(text)
    raw = text.strip().replace("\u2212", "-")
    negative = raw.startswith("(") and raw.endswith(")")
    body = raw.strip("() ")
    found = _NUMBER.match(body)
    if not found:
        raise Unusable(f'"{raw[:60]}" is not a number', "Write digits only, such as 1234.56.")
    digits = re.sub(r"[ '’\u00a0\u202f]", "", found[0])
    decimal = (fmt or find_number_format([digits])).decimal
    thousands = "," if decimal == "." else "."
    tail = plain(body[found.end() :].strip(" .+"))
    scale = _SCALES.get(tail, 1) if tail else 1
    whole, _, fraction = digits.rstrip(".,").partition(decimal)
    if (tail and tail not in _SCALES) or thousands in fraction or decimal in fraction or not _grouped(whole, thousands):
        raise Unusable(
            f'"{raw[:60]}" is not a number', f'Write it like 1234{decimal}56; here "{decimal}" is the decimal sign.'
        )
    try:
        value = Decimal(f"{whole.replace(thousands, '') or '0'}.{fraction or '0'}") * scale
    except InvalidOperation as error:
        raise Unusable(f'"{raw[:60]}" is not a number') from error
    value = value.quantize(Decimal(1)) if value == value.to_integral_value() else value
    return -value if negative else value


def _grouped(whole: str, thousands: str) -> bool:
    """Whether thousands signs stand where they may: 1,234,567, and Indian 12,34,567."""
    first, *rest = whole.lstrip("+-").split(thousands)
    return not rest or (1 <= len(first) <= 3 and len(rest[-1]) == 3 and all(2 <= len(part) <= 3 for part in rest))


def whole_number(text: str) -> int:
    """A count: "1,556,000", "51-200" (the middle, 125), "10.000+", "5k"."""
    raw = text.strip().strip("~><≥≤ ").removesuffix("+")
    between = _RANGE.fullmatch(raw)
    # Counts have no decimals: a sign before three digits is always one of thousands.
    read = [_count(part) for part in (between.groups() if between else (raw,))]
    value = sum(read) // len(read)
    if value < 0 or value > 2_147_483_647:
        raise Unusable(f'"{text[:60]}" is not a possible number')
    return value


def _count(text: str) -> int:
    body = re.sub(
        r"\s*(employees|mitarbeiter(?:innen)?|staff|people|fte|salari[ée]s)\s*\Z", "", text, flags=re.IGNORECASE
    )
    lone = re.fullmatch(r"\s*([0-9]{1,3})[.,]([0-9]{3})\s*", body)
    return int(lone[1] + lone[2]) if lone else int(number(body))


def money(text: str, fmt: NumberFormat | None = None) -> Money:
    """An amount with its currency: "$357.80K", "1.234,56 €", "EUR 500", "CHF 1'200.-"."""
    if text.isascii() and text.isdigit():
        return Money(Decimal(text), "")
    raw = text.strip().replace("\u2212", "-")
    body = re.sub(r"[.,]-+(?=\D*\Z)", "", raw)
    negative = (body.startswith("(") and body.endswith(")")) or re.match(r"\D*-", body) is not None
    body = body.strip("() ").replace("-", "")
    found = _NUMBER.search(body)
    if not found:
        raise Unusable(f'"{raw[:60]}" is not an amount of money', "Write digits and a currency, such as 1234.56 EUR.")
    before, after = body[: found.start()].strip(), body[found.end() :].strip()
    words = [word for word in re.split(r"[\s/]+", f"{before} {after}") if word]
    scale, currency = "", ""
    for word in words:
        lowered = word.casefold()
        if lowered.rstrip(".") in _SCALES and not scale:
            scale = lowered.rstrip(".")
        elif lowered in _SIGNS:
            currency = _SIGNS[lowered]
        elif (sign := next((s for s in sorted(_SIGNS, key=len, reverse=True) if s in lowered), "")) and lowered.replace(
            sign, "", 1
        ) in _SCALES:
            currency, scale = _SIGNS[sign], lowered.replace(sign, "", 1)
        elif re.fullmatch(r"[A-Za-z]{3}", word) and currency_code(word):
            currency = currency_code(word)
        else:
            raise Unusable(
                f'"{raw[:60]}" is not an amount of money', f'"{word[:20]}" is neither a currency nor a scale.'
            )
    amount = number(found[0], fmt) * _SCALES.get(scale, 1)
    return Money(-amount if negative else amount, currency)


def currency_code(text: str) -> str:
    """An ISO 4217 code in capitals for a code or a sign, "" if it is none."""
    from prospects.rules.normalise_places import currencies  # the list loads on first use only

    word = text.strip()
    return _SIGNS.get(word.casefold(), "") or (word.upper() if word.upper() in currencies() else "")


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
    raw = re.sub(r"\A'", "", text.strip())
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
    """A list cell into its parts, in order, each once: split at ; or | or line ends, else at commas."""
    cut = next((sign for sign in (";", "|", "\n") if sign in text), ",")
    parts = (" ".join(part.split()) for part in text.strip("[] ").split(cut))
    seen: dict[str, str] = {}
    for part in parts:
        if part:
            seen.setdefault(part.casefold(), part.strip("\"'"))
    return list(seen.values())


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
    raw = text.strip()
    host(raw)  # raises where there is none
    return raw if re.match(r"https?://", raw, re.IGNORECASE) else f"https://{raw}"


def year(text: str) -> int:
    """A year of foundation: "1902", "2013 (1888)" (the first), "1889.0"."""
    found = re.match(r"\s*(1[0-9]{3}|20[0-9]{2})(?![0-9])", text)
    if not found:
        raise Unusable(f'"{text[:40]}" is not a year', "Write four digits.")
    return int(found[1])
