"""What the mapping page shows: each column with samples and the reason for its field, words to translate, dates to settle."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, cast

from django.http import QueryDict

from accounts.actions.audit import Actor
from leadgen.core.errors import Invalid
from prospects.actions.custom import create_custom_field
from prospects.actions.imports import table_of
from prospects.actions.imports_setup import file_findings, guess, options_from_json
from prospects.forms.imports import HandlingForm, column_choices, fixed_values, wanted_fields
from prospects.models import Import
from prospects.rules import normalise_words as words
from prospects.rules.dates import order_words
from prospects.rules.imports import CATALOGUE, CUSTOM, ImportOptions, Kind, find_formats
from prospects.rules.imports import Mapping as ColumnMapping
from prospects.rules.imports_policy import MATCH_KEYS, POLICIES
from prospects.rules.normalise import Unusable, clean_text
from prospects.sources.csv import Table

LOOKED_AT = 20_000  # rows read for a page; the dry run reads all
MAX_WORDS = 40
MAX_CHOICES = 60

# Field kind -> the values a word may be given on the page.
_VALUES: dict[str, tuple[str, ...]] = {
    "channel": tuple(name for name in words.CHANNELS if name != "unknown"),
    "outcome": ("won", "lost", "disqualified", "recycled", "open"),
    "stage": ("lead", "mql", "accepted", "sql", "opportunity", "customer", "disqualified", "recycled", "lost"),
    "class": tuple(dict.fromkeys(words.CLASS_WORDS.values())),
    "activity_kind": tuple(dict.fromkeys(words.ACTIVITY_WORDS.values())),
    "spend_kind": tuple(dict.fromkeys(words.SPEND_KIND_WORDS.values())),
    "purpose": tuple(dict.fromkeys(words.PURPOSE_WORDS.values())),
}


def on_page(text: str, instead: str = "") -> str:
    """A message without the sentences that name options of the commands: the page has its own means."""
    kept = [part for part in re.split(r"(?<=[.;])\s+", text) if "--" not in part]
    words = " ".join(kept).rstrip(";, ")
    return (words if words.endswith((".", "?", "!")) else f"{words}.") if words else instead


def mapping_context(run: Import, table: Table, *, fixed: Any = None, posted: Any = None) -> dict[str, Any]:
    """Everything the mapping page shows of a file."""
    kind = cast(Kind, run.kind)
    options = options_from_json(run.settings)
    mapping = guess(kind, table, options)
    by_column = {column: name for name, column in mapping.columns.items()}
    questions = {column: on_page(q.message) for q in mapping.questions for column in q.columns}
    rows = [row.cells for row in islice(table.rows(), LOOKED_AT) if not row.problem]
    columns = []
    for n, column in enumerate(table.header):
        chosen = str(posted.get(f"column-{n}", "")) if posted is not None else by_column.get(column, "")
        columns.append(
            {
                "name": column, "input": f"column-{n}", "chosen": chosen,
                "reason": mapping.reasons.get(chosen, "") if by_column.get(column) == chosen else "",
                "question": questions.get(column, ""), "samples": _samples(rows, n), "policy_input": f"policy-{n}",
                "policy": str(posted.get(f"policy-{n}", "")) if posted is not None else options.handling.policies.get(chosen, ""),
            }
        )  # fmt: skip
    initial = [{"field": name, "value": text} for name, text in mapping.constants.items()]
    formats = find_formats(mapping, table.header, rows, order=options.dates)
    missing = ", ".join(spec.label for spec in mapping.missing)
    return {
        "columns": columns, "choices": column_choices(kind, "Leave out"), "missing": missing,
        "fixed": fixed if fixed is not None else fixed_values(kind, None, initial),
        "word_groups": _words(mapping, table, rows, options, posted), "dates": _dates(formats, mapping),
        "order": options.dates or "", "asks_for_order": bool(formats.ambiguous) or bool(options.dates),
        "sheets": table.sheets, "sheet": table.sheet,
        "notes": [*file_findings(table), *table.counts.remarks, *(on_page(q.message) for q in mapping.questions if not q.columns)],
        "mapped": len(mapping.columns), "policies": POLICIES.items() if kind in MATCH_KEYS else (),
        "column_heads": "Column, Values in the file, Fills" + (", If it is filled already" if kind in MATCH_KEYS else ""),
        "handling": _handling_form(kind, options, posted),
    }  # fmt: skip


def _handling_form(kind: Kind, options: ImportOptions, posted: Any) -> HandlingForm | None:
    if kind not in MATCH_KEYS:
        return None
    return HandlingForm(posted, kind=kind) if posted is not None else HandlingForm.of(kind, options.handling)


def only_differing(run: Import, options: ImportOptions) -> ImportOptions:
    """What somebody really said: fields the guess would fill (or leave) just so keep the guess's own reason."""
    kind = cast(Kind, run.kind)
    guessed = guess(kind, table_of(run), replace(options, columns={}))
    said = {name: column for name, column in options.columns.items() if guessed.columns.get(name, "") != column}
    return replace(options, columns=said)


def make_fields(run: Import, data: QueryDict, *, by: Actor, now: datetime) -> QueryDict:
    """What the page posted, with the custom fields it asks for made, and named in their place. Raises AppError."""
    kind = cast(Kind, run.kind)
    wanted = wanted_fields(kind, run.header, data)
    if not wanted:
        return data
    answer = data.copy()
    rows = [row.cells for row in islice(table_of(run).rows(), LOOKED_AT) if not row.problem]
    for n, column, field_kind in wanted:
        words = Counter(text for cells in rows if (text := clean_text(cells[n]))) if field_kind == "choice" else {}
        if len(words) > MAX_CHOICES:
            raise Invalid(
                f"“{column}” has {len(words)} different values, too many for a choice. Make it a text.",
                field=f"column-{n}",
            )
        field = create_custom_field(by=by, now=now, subject=kind, label=column, kind=field_kind, choices=list(words))
        answer[f"column-{n}"] = f"{CUSTOM}{field.key}"
    return answer


def _samples(rows: list[list[str]], n: int) -> list[str]:
    """The first three different values that are not blank."""
    found: dict[str, None] = {}
    for cells in rows:
        text = clean_text(cells[n])
        if text:
            found.setdefault(text[:60])
        if len(found) == 3:
            break
    return list(found)


def _words(
    mapping: ColumnMapping,
    table: Table,
    rows: list[list[str]],
    options: ImportOptions,
    posted: Mapping[str, str] | None,
) -> list[dict[str, Any]]:
    """The words of columns that hold a choice, each with how it is read; unknown ones first."""
    groups = []
    for spec in CATALOGUE[mapping.kind]:
        column, values = mapping.columns.get(spec.name), _VALUES.get(spec.kind)
        if not column or not values:
            continue
        n = table.header.index(column)
        counted = Counter(text for cells in rows if (text := clean_text(cells[n])))
        said = options.translations.get(spec.name, {})
        entries: list[dict[str, Any]] = []
        for text, count in counted.most_common(MAX_WORDS):
            name = f"word|{spec.name}|{text[:200]}"
            chosen = posted.get(name, "") if posted is not None else said.get(text.casefold(), "")
            read = _read(spec.kind, text)
            entries.append(
                {"text": text, "count": count, "input": name, "chosen": chosen, "read": read, "known": bool(read)}
            )
        entries.sort(key=lambda entry: (entry["known"], -entry["count"]))
        groups.append(
            {"label": spec.label, "column": column, "entries": entries, "values": values,
             "more": max(0, len(counted) - MAX_WORDS), "unknown": sum(not e["known"] and not e["chosen"] for e in entries)}
        )  # fmt: skip
    return groups


def _read(kind: str, text: str) -> str:
    """How a word is read by itself, "" where it is not known."""
    try:
        if kind == "channel":
            found = words.channel(text)
            return (f"{found.channel}, {found.second}" if found.second else found.channel) if found.known else ""
        if kind == "outcome":
            outcome = words.outcome(text)
            return outcome.outcome or (f"open, at {outcome.stage}" if outcome.stage else "open")
        if kind == "stage":
            return words.stage(text)
        tables = {
            "class": words.CLASS_WORDS, "activity_kind": words.ACTIVITY_WORDS, "spend_kind": words.SPEND_KIND_WORDS,
            "purpose": words.PURPOSE_WORDS,
        }  # fmt: skip
        return words.choice(text, tables[kind], kind, "")
    except Unusable:
        return ""


def _dates(formats: Any, mapping: ColumnMapping) -> list[dict[str, Any]]:
    """Each date column with its format in words, or the question where it can be read in more than one way."""
    found = []
    for name, fmt in formats.dates.items():
        ambiguous = formats.ambiguous.get(name)
        entry: dict[str, Any] = {"column": mapping.columns[name], "field": name}
        if ambiguous is not None:
            ways = " or ".join(order_words(way.order, way.separator) for way in ambiguous.formats)
            entry |= {"question": f"{ways}? For example {', '.join(ambiguous.examples)}"}
        else:
            entry |= {"words": fmt.words if fmt is not None else "no dates in the rows looked at"}
        found.append(entry)
    return found
