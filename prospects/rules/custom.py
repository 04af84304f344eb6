"""Values of custom fields: typed as JSON keeps them (text, number, "2026-11-21", one of the choices, {amount, currency})."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from prospects.rules import normalise
from prospects.rules.dates import DateFormat, Unreadable, find_format
from prospects.rules.normalise_text import Unusable, clean_text, plain

MAX_TEXT = 500
KINDS = ("text", "number", "date", "choice", "money")


def key_of(label: str) -> str:
    """The key of a label: "Contract end (2026)" is contract_end_2026."""
    word = re.sub(r"[^a-z0-9]+", "_", plain(label)).strip("_")[:60].strip("_")
    return f"f_{word}"[:60] if word[:1].isdigit() else word


def read(kind: str, value: Any, choices: Sequence[str] = (), currency: str = "") -> Any:
    """A value as JSON keeps it, None for nothing. `currency`: of an amount that names none. Raises Unusable."""
    if value is None or (isinstance(value, str) and not clean_text(value)):  # also of nothing but control characters
        return None
    return _READERS[kind](value, choices, currency)


def _text(value: Any, choices: Sequence[str], currency: str) -> str:
    if not isinstance(value, str | int | float | Decimal):
        raise Unusable("This is no text", "Give a text.")
    text = clean_text(str(value))
    if len(text) > MAX_TEXT:
        raise Unusable(f"This is too long: at most {MAX_TEXT} characters", "Shorten it.")
    return text


def _plain_number(value: Decimal, places: int = 6) -> int | float:
    if abs(value) >= Decimal(10) ** 15:
        raise Unusable(f"{value} is out of range", "Give a number below 1,000,000,000,000,000.")
    value = round(value, places)
    return int(value) if value == value.to_integral_value() else float(value)


def _number(value: Any, choices: Sequence[str], currency: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unusable(f'"{str(value)[:40]}" is not a number', "Write digits only, such as 1234.56.")
    number = normalise.number(value) if isinstance(value, str) else Decimal(str(value))
    if not number.is_finite():
        raise Unusable(f'"{value}" is not a number', "Write digits only, such as 1234.56.")
    return _plain_number(number)


def _date(value: Any, choices: Sequence[str], currency: str) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    text = clean_text(str(value))
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        found = find_format([text])
    if isinstance(found, DateFormat):
        try:
            return found.parse_date(text).isoformat()
        except Unreadable as error:
            raise Unusable(str(error), "Write it like 2026-11-21.") from error
    raise Unusable(f'"{text[:40]}" is not a date', "Write it like 2026-11-21.")


def _choice(value: Any, choices: Sequence[str], currency: str) -> str:
    if str(value) in choices:  # "C" and "C#" are the same to `plain`
        return str(value)
    wanted = plain(str(value))
    for choice in choices:
        if plain(choice) == wanted:
            return choice
    raise Unusable(f'"{str(value)[:40]}" is none of the choices', f"Use one of: {', '.join(choices)}.")


def _money(value: Any, choices: Sequence[str], currency: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        amount, code = round(_number(value.get("amount", ""), (), ""), 2), str(value.get("currency") or currency)
    else:
        found = normalise.money(clean_text(str(value)))
        amount, code = _plain_number(found.amount, 2), found.currency or currency
    known = normalise.currency_code(code)
    if not known:
        raise Unusable(
            "This amount has no currency" if not code else f'"{code}" is not a currency', "Write 1234.56 EUR."
        )
    return {"amount": amount, "currency": known}


_READERS = {"text": _text, "number": _number, "date": _date, "choice": _choice, "money": _money}


def shown(kind: str, value: Any) -> str:
    """A value in words, as the form takes it back."""
    if value is None:
        return ""
    if kind == "money" and isinstance(value, Mapping):
        return f"{Decimal(str(value['amount'])):.2f} {value['currency']}"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")  # never 1e-05
    return str(value)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """ "contract end: nothing → 2026-11-21" for each key that differs."""

    def words(value: Any) -> str:
        if value is None:
            return "nothing"
        return shown("money" if isinstance(value, Mapping) else "", value)

    keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    return [f"{key.replace('_', ' ')}: {words(old.get(key))} → {words(new.get(key))}" for key in keys]
