"""Shared by the actions on companies and people: clean what came in, say what changed."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from django.db.models import Model, TextField

from accounts.actions.audit import Actor
from accounts.permissions import refuse_owner
from leadgen.core.errors import Invalid
from leadgen.core.names import country_name, currency_name
from prospects.rules import custom as custom_rules
from prospects.rules import normalise
from prospects.rules.basis import read_basis
from prospects.rules.naics import naics_name, read_naics
from prospects.rules.normalise_places import country as read_country
from prospects.rules.technologies import technologies

Changes = dict[str, tuple[Any, Any]]  # column -> (old, new)
MAX_WORDS = 200
MAX_AMOUNT = Decimal(10) ** 15


def text(value: Any) -> str:
    """Trimmed, in NFC, without invisible characters; None is ''."""
    return normalise.clean_text(str(value)) if value is not None else ""


def _read(reader: Callable[[str], str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        raw = text(value)
        return reader(raw) if raw else ""

    return read


def phone(value: Any, country: str = "") -> str:
    """E.164 where it can be read, else as it was typed: a number with a remark beside it is better than none."""
    raw = text(value)
    try:
        return normalise.phone(raw, country) if raw else ""
    except normalise.Unusable:
        return raw


def words(value: Any) -> list[str]:
    """A list of short texts, each once: a list, or one text split at ; | line ends or commas."""
    items: Iterable[Any] = normalise.words_list(value) if isinstance(value, str) else (value or ())
    found: dict[str, str] = {}
    for item in items:
        word = text(item)
        if len(word) > 120:
            raise normalise.Unusable(f'"{word[:40]}…" is too long', "An entry has at most 120 characters.")
        if word:
            found.setdefault(word.casefold(), word)
    if len(found) > MAX_WORDS:
        raise normalise.Unusable(f"{len(found)} entries are too many", f"Give at most {MAX_WORDS}.")
    return list(found.values())


def whole(value: Any) -> int | None:
    """A count of at most 2,147,483,647, or None."""
    if value is None or value == "":
        return None
    number = value if isinstance(value, int) and not isinstance(value, bool) else normalise.whole_number(text(value))
    if not 0 <= number < 2**31:
        raise normalise.Unusable(f'"{value}" is out of range', "Give a whole number from 0 to 2,147,483,647.")
    return number


def year(value: Any) -> int | None:
    return None if value is None or value == "" else normalise.year(text(value))


def amount(value: Any) -> Decimal | None:
    """An amount of money in whole cents, or None."""
    if value is None or value == "":
        return None
    try:
        number = value if isinstance(value, Decimal) else Decimal(text(value).replace(",", ""))
    except InvalidOperation as error:
        raise normalise.Unusable(f'"{text(value)[:40]}" is not an amount', "Write digits, such as 1234.56.") from error
    if not number.is_finite() or not 0 <= number <= MAX_AMOUNT:
        raise normalise.Unusable(f'"{value}" is out of range', "Give an amount from 0 to 1,000,000,000,000,000.")
    return number.quantize(Decimal("0.01"))


def _currency(value: str) -> str:
    code = normalise.currency_code(value)
    if not code:
        raise normalise.Unusable(f'"{value}" is not a currency', "Use a code such as EUR.")
    return code


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise normalise.Unusable(f'"{value}" is not a time zone', "Use a name such as Europe/Lisbon.")
    return value


def _day(value: Any) -> date | None:
    if isinstance(value, date) or value is None or value == "":
        return value or None
    try:
        return date.fromisoformat(text(value))
    except ValueError as error:
        raise normalise.Unusable(f'"{value}" is not a date', "Write it like 2026-11-21.") from error


def _since(value: Any) -> datetime | None:
    """An instant, or the start of a day in UTC."""
    if isinstance(value, datetime) or value is None or value == "":
        return value or None
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError as error:
        raise normalise.Unusable(f'"{value}" is not a date', "Write it like 2026-11-21.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


READERS: dict[str, Callable[[Any], Any]] = {
    "domain": _read(normalise.domain),
    "website": _read(normalise.url),
    "linkedin_url": _read(normalise.linkedin),
    "country": _read(lambda value: read_country(value).code),
    "time_zone": _read(_zone),
    "revenue_currency": _read(_currency),
    "funding_currency": _read(_currency),
    "email": _read(lambda value: normalise.email(value).address),
    "lawful_basis": _read(read_basis),
    "lawful_basis_at": _since,
    "naics": _read(read_naics),
    "employees": whole,
    "founded": year,
    "revenue": amount,
    "funding_total": amount,
    "funded_on": _day,
    "technologies": lambda value: technologies(words(value)),
    "keywords": words,
    "pains": words,
    "goals": words,
    "custom": dict,  # judged by actions.custom before
}


def clean(
    model: type[Model], values: Mapping[str, Any], allowed: Iterable[str], *, had: UUID | None = None
) -> dict[str, Any]:
    """Values as columns hold them; `had` is the owner so far, who may stay whoever they are. Raises Invalid naming the field for what cannot be read, TypeError for unknown fields."""
    unknown = set(values) - set(allowed)
    if unknown:
        raise TypeError(f"not fields of {model.__name__}: {', '.join(sorted(unknown))}")
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        if name == "owner":
            refuse_owner(value, had=had)
            cleaned[name] = value
            continue
        if name == "company":
            cleaned[name] = value
            continue
        try:
            cleaned[name] = READERS.get(name, text)(value)
        except normalise.Unusable as error:
            raise Invalid(f"{error} {error.remedy}".strip() if error.remedy else str(error), field=name) from error
        column = model._meta.get_field(name)
        if isinstance(cleaned[name], str) and not isinstance(column, TextField):
            cleaned[name] = " ".join(cleaned[name].split())
        limit = getattr(column, "max_length", None)
        if limit and isinstance(cleaned[name], str) and len(cleaned[name]) > limit:
            raise Invalid(f"This is too long: at most {limit} characters.", field=name)
        choices = dict(getattr(column, "flatchoices", None) or ())
        if choices and cleaned[name] and cleaned[name] not in choices:
            raise Invalid(f"“{cleaned[name][:40]}” is none of: {', '.join(filter(None, choices))}.", field=name)
    if "phone" in values:
        cleaned["phone"] = phone(values["phone"], cleaned.get("country", ""))[:40]
    return cleaned


def apply(row: Any, values: Mapping[str, Any]) -> Changes:
    """Set the values on `row` (not saved) and return what really changed."""
    found: Changes = {}
    for name, value in values.items():
        old = getattr(row, name)
        if old != value:
            found[name] = (old, value)
            setattr(row, name, value)
    return found


def label_of(row: Any, name: str) -> str:
    """A column's name for people: "linkedin_url" is "LinkedIn page"."""
    special = {
        "linkedin_url": "LinkedIn page",
        "email": "e-mail",
        "external_id": "external id",
        "lawful_basis_at": "lawful basis since",
    }
    return special.get(name) or str(row._meta.get_field(name).verbose_name)


_NAMES: dict[str, Callable[[str], str]] = {
    "country": country_name, "naics": naics_name, "revenue_currency": currency_name, "funding_currency": currency_name,
}  # fmt: skip


def shown(row: Any, name: str, value: Any) -> str:
    """A value in words: labels of choices, lists joined, nothing as "nothing"."""
    if value is None or value in ("", []):
        return "nothing"
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, date):  # a moment too: which day is what a timeline tells
        return f"{value:%-d %b %Y}"
    if name in _NAMES:
        return _NAMES[name](str(value))
    choices = dict(getattr(row._meta.get_field(name), "flatchoices", None) or ())
    return str(choices.get(value, value))


def in_words(row: Any, changes: Changes) -> str:
    """ "Title: Buyer → Head of purchasing; city: nothing → Porto", for the timeline."""
    parts: list[str] = []
    for name, (old, new) in changes.items():
        if name == "custom":
            parts += custom_rules.differences(old, new)
        else:
            parts.append(f"{label_of(row, name)}: {shown(row, name, old)} → {shown(row, name, new)}")
    line = "; ".join(parts)
    return line[:1].upper() + line[1:]


def as_json(changes: Changes) -> dict[str, list[Any]]:
    """The changes for an Activity's or audit row's `detail`: {column: [old, new]}, values as JSON."""

    def plain(value: Any) -> Any:
        if value is None or isinstance(value, str | int | list | dict | bool):
            return value
        if isinstance(value, Model):
            return str(value.pk)
        return str(value)

    return {name: [plain(old), plain(new)] for name, (old, new) in changes.items()}


def default_source(by: Actor) -> str:
    """Why we have a row nobody gave a source for."""
    if by.token is not None:
        return f"API, token {by.token.name}"[:120]
    return f"typed by {by.label}"[:120] if by.member is not None else "Leadgen"
