"""From cells to typed values, row by row, by the formats found before; every doubt as an issue with its remedy."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from prospects.rules import normalise, normalise_places, normalise_words, titles
from prospects.rules.dates import DateColumn, DateFormat, Moment, Unreadable, whole_month
from prospects.rules.imports_fields import CATALOGUE, OWN_ID, FieldSpec, Kind
from prospects.rules.imports_formats import Formats
from prospects.rules.imports_mapping import STAGE_ORDER
from prospects.rules.imports_mapping import Mapping as ColumnMapping
from prospects.rules.naics import industry_code, read_naics
from prospects.rules.names import split_name
from prospects.rules.normalise import Unusable
from prospects.rules.technologies import technologies

Value = str | int | Decimal | date | Moment | list[str]
# A row must fill at least one of these, else it is about nothing.
IDENTITY: dict[Kind, tuple[str, ...]] = {
    "people": ("email", "external_id", "linkedin_url", "full_name", "first_name", "last_name", OWN_ID),
    "companies": ("name", "domain"),
    "leads": ("external_id", "email", "company", "domain"),
    "spend": ("amount",),
    "activities": ("external_id", "email"),
    "signals": ("title",),
}
CUSTOM = "custom."  # before the key of a custom field, where others have the name of a field
# How programs write an empty cell. Not in texts: somebody may be called Null.
NOTHING = frozenset(("n/a", "#n/a", "null", "none", "nan", "nil", "-", "--", "—", "undefined", "(blank)", "not set"))

# Our own words, as an export writes them (models.choices; a test compares): taken as they are.
SENIORITIES = normalise.word_set("founder c_level vp head director manager senior staff")
DEPARTMENTS = normalise.word_set(
    "executive sales marketing operations engineering it finance hr purchasing product support legal other"
)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Kinds whose cells mean the same in every row and often come again: read once, then looked up.
_ALONE = frozenset(("text", "naics", "domain", "country", "count", "year", "seniority", "department"))
MEMO = 20_000  # cells remembered a column


@dataclass(frozen=True, slots=True)
class RowIssue:
    """What is wrong with one row. `row`: 1-based line of the file. error: the row is refused; warning: it is imported
    all the same, without or with the value as the message says."""

    row: int
    column: str
    value: str
    message: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"


class ConvertedRow(NamedTuple):
    """`values`: only fields with something in them, under the names of the catalogue (plus `subchannel`).

    date fields are Moment, day fields date, money Decimal, counts int, lists list[str], all else str."""

    line: int
    values: dict[str, Value]
    issues: list[RowIssue]

    @property
    def refused(self) -> bool:
        """Whether an issue forbids to import the row."""
        return bool(self.issues) and any(issue.severity == "error" for issue in self.issues)


class RowConverter:
    """Turns rows of one file into values. `zone`: IANA name for bare dates; `country`: alpha-2 for national phone
    numbers, "" if unknown; `translations`: field -> (word -> value), as `--value` gives them (words case-folded)."""

    def __init__(
        self,
        mapping: ColumnMapping,
        header: Sequence[str],
        formats: Formats,
        *,
        zone: str,
        country: str = "",
        translations: Mapping[str, Mapping[str, str]] | None = None,
        custom: Mapping[str, Callable[[str], Any]] | None = None,
    ) -> None:
        self.kind = mapping.kind
        self._formats, self._zone, self._country = formats, ZoneInfo(zone), country
        index = {name: i for i, name in enumerate(header)}
        self._cells: list[
            tuple[
                FieldSpec, int, str, str, Mapping[str, str], Callable[[FieldSpec, str], Value], dict[str, Value] | None
            ]
        ] = []
        for spec in CATALOGUE[mapping.kind]:
            column, constant = mapping.columns.get(spec.name, ""), mapping.constants.get(spec.name, "")
            if column or constant:
                words = (translations or {}).get(spec.name, {})
                known: dict[str, Value] | None = {} if column and spec.kind in _ALONE else None
                self._cells.append((spec, index.get(column, -1), column, constant, words, self._parser(spec), known))
        self._mapped = {cell[0].name for cell in self._cells}
        # A row of an export of our own is taken at its word: nothing is read into what it leaves blank.
        self._own = OWN_ID in mapping.columns
        self._custom = [
            (name.removeprefix(CUSTOM), index[column], column, custom[name])
            for name, column in mapping.columns.items()
            if custom and name in custom
        ]
        # Of the row in hand: values that other fields' cells brought along, and remarks on the cell in hand.
        self._row = ConvertedRow(0, {}, [])
        self._extra: dict[str, Value] = {}
        self._notes: list[str] = []
        self._national: tuple[FieldSpec, str] | None = None

    def convert(self, line: int, cells: Sequence[str]) -> ConvertedRow:
        """The values and issues of one row. `line`: its line in the file."""
        row = ConvertedRow(line, {}, [])
        values = row.values
        self._row, self._extra, self._notes, self._national = row, {}, [], None
        for spec, i, column, constant, words, parse, known in self._cells:
            raw = cells[i] if i >= 0 else ""
            if known is not None and raw in known:
                if (value := known[raw]) != "":
                    values[spec.name] = value
                continue
            text = normalise.clean_text(raw) if raw else ""
            if words:
                text = words.get(text.casefold(), text)
            if spec.kind != "text" and not self._own and text.casefold() in NOTHING:
                text = ""
            if not text:
                text = constant
            if not text:
                if spec.kind == "channel":
                    values[spec.name] = "unknown"
                elif spec.needed:
                    self._issue(column, "", f"{spec.label} is empty", "Fill it in.", error=True)
                continue
            try:
                value = parse(spec, text)
            except (Unusable, Unreadable) as error:
                self._issue(column or spec.label, text, str(error), getattr(error, "remedy", ""), error=spec.strict)
                continue
            if value != "":
                values[spec.name] = value
            if self._notes:
                for note in self._notes:
                    self._issue(column or spec.label, text, note, error=False)
                self._notes = []
            elif known is not None and len(known) < MEMO:
                known[raw] = value
        for name, value in self._extra.items():
            values.setdefault(name, value)
        if self._custom:
            self._read_custom(values, cells)
        self._complete(values)
        if not any(name in values for name in IDENTITY[self.kind]):
            self._issue(
                "", "", f"the row names nothing it could be about: {', '.join(IDENTITY[self.kind])} are all empty",
                "Fill in one of them.", error=True,
            )  # fmt: skip
        return row

    def _issue(self, column: str, value: str, message: str, remedy: str = "", *, error: bool) -> None:
        severity: Literal["error", "warning"] = "error" if error else "warning"
        if not error and not remedy:
            remedy = "Nothing to do if that is right."
        self._row.issues.append(RowIssue(self._row.line, column, value[:300], message[:300], remedy[:300], severity))

    def _parser(self, spec: FieldSpec) -> Callable[[FieldSpec, str], Value]:
        own: dict[str, Callable[[FieldSpec, str], Value]] = {
            "text": self._text,
            "email": self._email,
            "domain": lambda _, text: normalise.domain(text),
            "url": lambda _, text: normalise.url(text),
            "linkedin": lambda _, text: normalise.linkedin(text),
            "phone": self._phone,
            "count": lambda _, text: normalise.whole_number(text),
            "year": lambda _, text: normalise.year(text),
            "money": self._money,
            "date": self._moment,
            "day": self._day,
            "list": lambda _, text: normalise.words_list(text),
            "country": self._country_code,
            "location": self._location,
            "currency": self._currency,
            "channel": self._channel,
            "outcome": self._outcome,
            "stage": lambda _, text: normalise_words.stage(text),
            "class": _choice(normalise_words.CLASS_WORDS, "class", "human, automated, unsure"),
            "activity_kind": _choice(
                normalise_words.ACTIVITY_WORDS, "kind", "touch, replied, called, form_submitted ..."
            ),
            "spend_kind": _choice(
                normalise_words.SPEND_KIND_WORDS, "kind", "media, people, tools, data, content, agency"
            ),
            "purpose": _choice(normalise_words.PURPOSE_WORDS, "purpose", "leads, awareness"),
            "seniority": lambda _, text: text if text in SENIORITIES else titles.seniority_word(text),
            "department": lambda _, text: text if text in DEPARTMENTS else titles.department_word(text),
            "zone": lambda _, text: normalise_places.zone(text),
            "key": lambda _, text: _key(text),
            "naics": lambda _, text: read_naics(text),
            "technologies": self._technologies,
        }
        return own[spec.kind]

    def _technologies(self, spec: FieldSpec, text: str) -> Value:
        words = normalise.words_list(text)
        return words if self._own else technologies(words)

    def _text(self, spec: FieldSpec, text: str) -> Value:
        text = text if spec.limit > 1000 else " ".join(text.split())
        if len(text) > spec.limit:
            self._notes.append(f"cut to {spec.limit} characters")
            return text[: spec.limit]
        return text

    def _email(self, spec: FieldSpec, text: str) -> Value:
        found = normalise.email(text)
        if found.note:
            self._notes.append(found.note)
        return found.address

    def _money(self, spec: FieldSpec, text: str) -> Value:
        amount, currency = normalise.money(text, self._formats.numbers.get(spec.name))
        if amount < 0:
            raise Unusable(f"{text[:40]} is less than nothing", "Write the amount without a minus.")
        if currency:
            slot = self._currency_of(spec)
            known = self._extra.setdefault(slot, currency)
            if known != currency:
                raise Unusable(
                    f"{currency} here, but another amount of the row is in {known}", "Use one currency a row."
                )
        return amount

    def _currency_of(self, spec: FieldSpec) -> str:
        """The field that holds the currency of an amount: its own where it has one."""
        slots = [s.name for s in CATALOGUE[self.kind] if s.kind == "currency"]
        stem = spec.name.split("_")[0]
        return next((name for name in slots if name == f"{stem}_currency"), slots[0] if slots else "currency")

    def _phone(self, spec: FieldSpec, text: str) -> Value:
        """A number with its calling code now; a national one once the row's country is known."""
        try:
            return normalise.phone(text)
        except Unusable:
            self._national = (spec, text)
            return ""

    def _currency(self, spec: FieldSpec, text: str) -> Value:
        code = normalise.currency_code(text)
        if not code:
            raise Unusable(f'"{text[:20]}" is not a currency', "Write its ISO code, such as EUR.")
        return code

    def _moment(self, spec: FieldSpec, text: str) -> Value:
        return self._format_of(spec, text).parse(text, self._zone)

    def _day(self, spec: FieldSpec, text: str) -> Value:
        if self._own and _ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
        if spec.name in self._formats.months and (month := whole_month(text)):
            if spec.name == "to":
                return month[1]
            if spec.name == "from":
                self._extra["to"] = month[1]
            return month[0]
        return self._format_of(spec, text).parse_date(text)

    def _format_of(self, spec: FieldSpec, text: str) -> DateFormat:
        found = self._formats.dates.get(spec.name)
        if found is None:  # a constant, or a column that was all blank when the formats were found
            column = DateColumn()
            column.add(text)
            found = column.found()
        if isinstance(found, DateFormat):
            return found
        raise Unusable(found.message if found else f'"{text[:40]}" is not a date', "Write dates as 2026-11-21.")

    def _country_code(self, spec: FieldSpec, text: str) -> Value:
        found = normalise_places.country(text)
        if found.note:
            self._notes.append(found.note)
        return found.code

    def _location(self, spec: FieldSpec, text: str) -> Value:
        found = normalise_places.location(text)
        if found.note:
            self._notes.append(found.note)
        for name, part in (("city", found.city), ("region", found.region), ("country", found.country)):
            if part:
                self._extra[name] = part
        return ""

    def _channel(self, spec: FieldSpec, text: str) -> Value:
        found = normalise_words.channel(text)
        if found.second:
            self._extra["subchannel"] = found.second
        if not found.known:
            self._notes.append(f'"{text[:60]}" is no channel known here; kept under other')
        return found.channel

    def _outcome(self, spec: FieldSpec, text: str) -> Value:
        found = normalise_words.outcome(text)
        if found.stage and "stage" not in self._mapped:
            self._extra["stage"] = found.stage
        return found.outcome

    def _complete(self, values: dict[str, Value]) -> None:
        """What follows from the row's own values."""
        full = values.get("full_name")
        if self._national:
            self._complete_phone(values, *self._national)
        if self.kind == "companies" and (found := _industry(values)):
            values["industry_code"] = found
        if isinstance(full, str) and "first_name" not in values and "last_name" not in values:
            first, last = split_name(full)
            values.update({name: part for name, part in (("first_name", first), ("last_name", last)) if part})
        if self.kind == "leads":
            stage = values.get("stage")
            if isinstance(stage, str) and "outcome" not in values and stage in normalise_words.OUTCOME_OF_STAGE:
                values["outcome"] = normalise_words.OUTCOME_OF_STAGE[stage]
            self._check_order(values)
        if self.kind == "spend":
            start, end = values.get("from"), values.get("to")
            if isinstance(start, date) and isinstance(end, date) and end < start:
                self._issue("", f"{start} to {end}", "the end lies before the start", "Swap the two dates.", error=True)

    def _complete_phone(self, values: dict[str, Value], spec: FieldSpec, text: str) -> None:
        """A national number by the row's country, else by the workspace's, which is said."""
        own = values.get("country")
        country = own if isinstance(own, str) else self._country
        if self._own:
            values[spec.name] = text[:40]  # as it was typed here: what nobody could read then
            return
        column = next((cell[2] for cell in self._cells if cell[0] is spec), "") or spec.label
        try:
            values[spec.name] = normalise.phone(text, country)
        except Unusable as error:
            self._issue(column, text, str(error), error.remedy, error=spec.strict)
            return
        if country and not own:
            self._issue(
                column, text, f"read as a number of {country}, the country of your time zone",
                "Map a column of countries, or write numbers with their country code.", error=False,
            )  # fmt: skip

    def _read_custom(self, values: dict[str, Value], cells: Sequence[str]) -> None:
        """Values of custom fields under their keys; a cell that cannot be read is left out and told."""
        found: dict[str, Any] = {}
        for key, i, column, read in self._custom:
            text = normalise.clean_text(cells[i])
            if not text:
                continue
            dates = self._formats.dates.get(f"{CUSTOM}{key}")
            try:
                written = isinstance(dates, DateFormat) and not (self._own and _ISO_DAY.fullmatch(text))
                found[key] = dates.parse_date(text).isoformat() if written else read(text)  # type: ignore[union-attr]  # a DateFormat
            except (Unusable, Unreadable) as error:
                if text.casefold() not in NOTHING:  # how programs write an empty cell, unless it can be read
                    self._issue(column, text, str(error), getattr(error, "remedy", ""), error=False)
        if found:
            values["custom"] = found  # type: ignore[assignment]  # the one value that is a mapping

    def _check_order(self, values: dict[str, Value]) -> None:
        """Dates against the order of the stages are kept and told."""
        before: tuple[str, Moment] | None = None
        for name in STAGE_ORDER:
            value = values.get(name)
            if not isinstance(value, Moment):
                continue
            if before and value.at < before[1].at:
                self._issue(
                    "", value.at.isoformat(), f"{name} lies before {before[0]}; kept as it is", "Check the two dates.",
                    error=False,
                )  # fmt: skip
            before = (name, value)


def _industry(values: Mapping[str, Value]) -> int | None:
    """LinkedIn's code of what the row's columns say of the industry."""
    texts = (values.get(name) for name in ("sub_industry", "industry", "naics"))
    return industry_code(*(text if isinstance(text, str) else "" for text in texts))


def _key(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Unusable(f'"{text[:40]}" is no id of Leadgen', "Leave the cell blank, or the column out.") from error


def _choice(words: dict[str, str], name: str, values: str) -> Callable[[FieldSpec, str], Value]:
    return lambda _, text: normalise_words.choice(text, words, name, values)
