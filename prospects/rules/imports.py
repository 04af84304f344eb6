"""What a user says about an import (options of the commands, fields of the wizard), and the mapping that follows.

The way of a file: `open_table` (sources.csv) -> `resolve_mapping` -> `check_mapping` -> `find_formats` over all rows ->
`check_formats` -> `RowConverter.convert` for each row.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from leadgen.core.errors import Invalid
from prospects.rules.dates import NUMERIC_ORDERS
from prospects.rules.imports_fields import CATALOGUE, CHANGED_AT, KINDS, OWN_ID, FieldSpec, Kind, find_field
from prospects.rules.imports_formats import Formats, find_formats
from prospects.rules.imports_mapping import Mapping, MappingQuestion, guess_mapping
from prospects.rules.imports_policy import Handling, read_handling
from prospects.rules.imports_rows import CUSTOM, IDENTITY, ConvertedRow, RowConverter, RowIssue, Value
from prospects.rules.normalise import clean_text, plain

__all__ = [
    "CATALOGUE", "CUSTOM", "IDENTITY", "KINDS", "OWN_ID", "ConvertedRow", "FieldSpec", "Formats", "Handling", "ImportOptions", "Kind",
    "Mapping", "MappingQuestion", "RowConverter", "RowIssue", "Value", "check_formats", "check_mapping", "find_field",
    "find_formats", "guess_mapping", "parse_options", "resolve_mapping",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`columns`: field -> column as the user wrote it, "" to leave the field out. `constants`: field -> text for rows
    without a value. `translations`: field -> (case-folded cell -> text). `dates`: dmy, mdy, ymd or None. `sheet`: of a
    workbook, "" for its fullest one. `handling`: match rule and policies."""

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    translations: dict[str, dict[str, str]] = field(default_factory=dict)
    dates: str | None = None
    sheet: str = ""
    handling: Handling = field(default_factory=Handling)


def parse_options(
    kind: Kind,
    *,
    maps: Iterable[str] = (),
    sets: Iterable[str] = (),
    values: Iterable[str] = (),
    dates: str | None = None,
    sheet: str = "",
    match: Iterable[str] = (),
    policies: Iterable[str] = (),
    as_of: str = "",
) -> ImportOptions:
    """The options `--map f=column`, `--set f=v`, `--value outcome:Won=won`, `--dates dmy|mdy|ymd`, `--sheet NAME`,
    `--match KEY` (several: in order), `--policy fill` or `--policy title=newest`, `--as-of DAY`. Raises Invalid."""
    columns: dict[str, str] = {}
    constants: dict[str, str] = {}
    translations: dict[str, dict[str, str]] = {}
    for text in maps:
        name, column = _pair(text, "--map", "field=column")
        columns[_field(kind, name, "--map").name] = column
    for text in sets:
        name, value = _pair(text, "--set", "field=value")
        constants[_field(kind, name, "--set").name] = clean_text(value)
    for text in values:
        left, sign, value = text.rpartition("=")
        name, colon, word = left.partition(":")
        if not sign or not colon:
            raise Invalid(f'--value "{text}" is not of the form field:word=value.', code="bad_option", field="value")
        translations.setdefault(_field(kind, name, "--value").name, {})[clean_text(word).casefold()] = value.strip()
    order = (dates or "").strip().lower() or None
    if order is not None and order not in (*NUMERIC_ORDERS, "iso"):
        raise Invalid(f'--dates "{dates}" is none of dmy, mdy, ymd.', code="bad_option", field="dates")
    policy, of_fields = "", {}
    for text in policies:
        name, sign, value = text.partition("=")
        if not sign:
            policy = name.strip()
            continue
        spec = _field(kind, name.strip(), "--policy", custom=True)
        of_fields[spec.name] = value.strip()
    handling = read_handling(kind, match=match, policy=policy, policies=of_fields, as_of=as_of)
    return ImportOptions(columns, constants, translations, None if order == "iso" else order, sheet, handling)


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise Invalid(f'{option} "{text}" is not of the form {form}.', code="bad_option", field=option.strip("-"))
    return name.strip(), value.strip()


def _field(kind: Kind, name: str, option: str, *, custom: bool = False) -> FieldSpec:
    if name.startswith(CUSTOM) and kind in ("people", "companies") and (custom or option == "--map"):
        return FieldSpec(name, name.removeprefix(CUSTOM), "text", ())
    spec = find_field(kind, name)
    if spec is None:
        names = [s.name for s in CATALOGUE[kind]]
        near = difflib.get_close_matches(name.lower(), names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise Invalid(
            f'{option}: {kind} have no field "{name}".{hint} The fields are {", ".join(names)}.',
            code="unknown_field",
            field=option.strip("-"),
        )
    return spec


def find_column(header: Sequence[str], name: str) -> str:
    """The column a user means: as written, else without regard to case, accents and punctuation. Raises Invalid."""
    if name in header:
        return name
    alike = [column for column in header if plain(column).replace(" ", "") == plain(name).replace(" ", "")]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(name, header, n=1)
    hint = f" Did you mean {near[0]}?" if near and not alike else ""
    raise Invalid(
        f'--map: the file has {"several columns like" if alike else "no column"} "{name}".{hint} '
        f"Its columns are {', '.join(header)}.",
        code="unknown_column",
        field="map",
    )


def resolve_mapping(
    kind: Kind, header: Sequence[str], samples: Sequence[Sequence[str]] = (), options: ImportOptions | None = None
) -> Mapping:
    """The guess, overruled by what the user said.

    A column the user gave to a field is given to no other by guess, but the user may give it to several fields. A
    constant replaces a guessed column; beside a column the user named it fills the empty cells.
    """
    options = options or ImportOptions()
    said = {name: find_column(header, column) if column else "" for name, column in options.columns.items()}
    dated = options.handling.dates_rows
    guess = guess_own(kind, header, dated=dated) or guess_mapping(kind, header, samples, dated=dated)
    taken = {column for column in said.values() if column}
    columns = {
        name: column
        for name, column in guess.columns.items()
        if name not in said and column not in taken and name not in options.constants
    }
    reasons = {name: why for name, why in guess.reasons.items() if name in columns or name in guess.constants}
    columns |= {name: column for name, column in said.items() if column}
    reasons |= dict.fromkeys((*said, *options.constants), "you said so")
    constants = {name: text for name, text in guess.constants.items() if name not in columns} | options.constants
    settled = {*said, *options.constants}
    questions = [q for q in guess.questions if q.field not in settled and not taken.intersection(q.columns)]
    used = set(columns.values())
    return replace(
        guess,
        columns=columns,
        constants=constants,
        reasons=reasons,
        leftover=[name for name in header if name not in used],
        questions=questions,
    )


def guess_own(kind: Kind, header: Sequence[str], *, dated: bool) -> Mapping | None:
    """The mapping of an export of our own, known by its first column; None for any other file."""
    labels = {spec.label: spec.name for spec in CATALOGUE[kind] if dated or spec.name != CHANGED_AT}
    if not header or labels.get(header[0]) != OWN_ID:
        return None
    columns = {labels[column]: column for column in header if column in labels}
    return Mapping(kind, columns, reasons=dict.fromkeys(columns, "a column of Leadgen's own export"))


def check_mapping(mapping: Mapping, header: Sequence[str], *, header_row: int = 1) -> None:
    """Raises Invalid, naming the header's row, where no row of the file could be imported."""
    filled = {*mapping.columns, *mapping.constants}
    columns = f"The columns are {', '.join(header)[:300]}."
    if mapping.missing:
        names = ", ".join(f"{spec.label} ({spec.name})" for spec in mapping.missing)
        asked = " ".join(q.message for q in mapping.questions if q.field in {s.name for s in mapping.missing})
        raise Invalid(
            f"Row {header_row}: no column for {names}. {asked or columns} Say which with "
            f"--map {mapping.missing[0].name}=COLUMN.",
            code="no_column",
            field=mapping.missing[0].name,
        )
    if not filled.intersection(IDENTITY[mapping.kind]):
        names = ", ".join(IDENTITY[mapping.kind])
        raise Invalid(
            f"Row {header_row}: no column says what a row is about ({names}). {columns} Say which with --map FIELD=COLUMN.",
            code="no_column",
            field=IDENTITY[mapping.kind][0],
        )


def check_formats(mapping: Mapping, formats: Formats) -> None:
    """Raises Invalid, naming `--dates`, where a date column can be read in more than one way."""
    for name, found in formats.ambiguous.items():
        raise Invalid(
            f"Column {mapping.columns[name]} ({name}): {found.message}",
            code="ambiguous_dates",
            field="dates",
            detail={"candidates": list(found.candidates), "examples": list(found.examples)},
        )
