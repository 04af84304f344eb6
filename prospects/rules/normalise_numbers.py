"""Counts, numbers and money as people write them. See normalise for what all readers share."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from prospects.rules.normalise_text import Unusable, plain

_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9., '’\u00a0\u202f]*|[.,][0-9]+)")
_RANGE = re.compile(r"(.*[0-9][kKmM]?)\s*(?:-|–|—|to|bis|à|and|und|et|y|a)\s*([0-9].*)")
_MONEY_RANGE = re.compile(
    r"(\D{0,6}[0-9][0-9.,' ]*\s*[^\W\d]{0,8}\.?)\s*(?:-|–|—|\bto\b|\bbis\b|à|\band\b)\s*(\D{0,6}[0-9].*)"
)
_BARE = re.compile(r"[^\w]{0,4}[0-9][0-9.,' ]*[^\w]{0,3}")
_AROUND = re.compile(
    r"\A(?:ca\.?|circa|about|approx(?:imately)?\.?|around|over|more than|mehr als|über|under|less than|up to|bis zu|bis|at least|from|"
    r"between|zwischen|von|env(?:iron)?\.?|plus de|más de|unter|rund|etwa)\s+", re.IGNORECASE,
)  # fmt: skip
_PEOPLE = re.compile(
    r"\s*(employees|mitarbeiter(?:innen)?|staff|people|persons?|fte|salari[ée]s|empleados|dipendenti|members|besch[äa]ftigte)\s*\Z",
    re.IGNORECASE,
)
_ALONE = frozenset(("self employed", "myself only", "sole proprietor", "freelancer", "solo", "selbststandig"))
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


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Which sign is the decimal one in a column. `words` states it; `sure` is False where no value proves it."""

    decimal: str = "."
    words: str = ""
    sure: bool = True


class Money(NamedTuple):
    """An amount and its ISO 4217 code, "" where the cell names none."""

    amount: Decimal
    currency: str


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
    """A count: "1,556,000", "51-200" (the middle, 125), "10.000+", "5k", "ca. 300", "Self-employed" (1)."""
    raw = _AROUND.sub("", text.strip()).strip("~><≥≤= ").removesuffix("+").strip()
    if plain(text) in _ALONE:
        return 1
    between = _RANGE.fullmatch(raw)
    # Counts have no decimals: a sign before three digits is always one of thousands.
    read = [_count(part) for part in (between.groups() if between else (raw,))]
    value = sum(read) // len(read)
    if value < 0 or value > 2_147_483_647:
        raise Unusable(f'"{text[:60]}" is not a possible number')
    return value


def _count(text: str) -> int:
    body = _PEOPLE.sub("", text.strip()).strip("~+ ")
    lone = re.fullmatch(r"\s*([0-9]{1,3})[.,]([0-9]{3})\s*", body)
    return int(lone[1] + lone[2]) if lone else int(number(body))


def money(text: str, fmt: NumberFormat | None = None) -> Money:
    """An amount with its currency: "$357.80K", "1.234,56 €", "EUR 500", "CHF 1'200.-"; of a range ("$1M-$10M") the middle,
    of an open end ("$10M+", "under $1M") its bound."""
    if text.isascii() and text.isdigit():
        return Money(Decimal(text), "")
    raw = _AROUND.sub("", text.strip().replace("\u2212", "-")).strip("~><≥≤= ").removesuffix("+").strip()
    if (between := _MONEY_RANGE.fullmatch(raw)) is not None:
        return _middle(between[1], between[2], fmt)
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


def _middle(low: str, high: str, fmt: NumberFormat | None) -> Money:
    """The middle of a range whose scale and currency may stand at one end only: "10-50M", "$1M-$10M", "5 to 10 Mio. EUR"."""
    top = money(high, fmt)
    bottom = money(low, fmt)
    if _BARE.fullmatch(low.strip()) and (found := _NUMBER.search(high)):
        own = number(found[0], fmt)
        scale = abs(top.amount / own) if own else Decimal(1)
        bottom = Money(bottom.amount * scale, bottom.currency)
    if bottom.currency and top.currency and bottom.currency != top.currency:
        raise Unusable(f'"{low}-{high}" names two currencies', "Use one currency a cell.")
    value = (bottom.amount + top.amount) / 2
    return Money(
        value.quantize(Decimal(1)) if value == value.to_integral_value() else value, top.currency or bottom.currency
    )


def currency_code(text: str) -> str:
    """An ISO 4217 code in capitals for a code or a sign, "" if it is none."""
    from prospects.rules.normalise_places import currencies  # the list loads on first use only

    word = text.strip()
    return _SIGNS.get(word.casefold(), "") or (word.upper() if word.upper() in currencies() else "")
