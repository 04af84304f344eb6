"""What an export writes, the import reads back: hostile texts, lists, numbers and amounts, as CSV and as a workbook."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadgen.core.downloads import safe_cell
from prospects.actions.exports import Export
from prospects.actions.fields import words as clean_words
from prospects.actions.imports_setup import read_table
from prospects.models import Department, Seniority
from prospects.rules import custom as custom_rules
from prospects.rules.exports import columns_of, custom_headers
from prospects.rules.imports import CUSTOM, RowConverter, find_formats, resolve_mapping
from prospects.rules.imports_fields import Kind
from prospects.rules.imports_rows import DEPARTMENTS, SENIORITIES
from prospects.rules.normalise import Unusable, clean_text

FIELDS = [
    SimpleNamespace(key="remark", label="Remark", kind="text", choices=[]),
    SimpleNamespace(key="city", label="City", kind="text", choices=[]),  # called as a field of ours
    SimpleNamespace(key="score", label="=Score", kind="number", choices=[]),
    SimpleNamespace(key="ends", label="Ends; on", kind="date", choices=[]),
    SimpleNamespace(key="tier", label="Tier", kind="choice", choices=["C", "C#", "None", "-", "+A"]),
    SimpleNamespace(key="fee", label="Fee", kind="money", choices=[]),
]
NASTY = [
    '=cmd|"/C calc"!A0', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "'quoted'", "''=x", 'a "b", c;d|e\nf', "n/a", "None", "Total", "-",
    "_x0041_", "1.234", "007", "1e5", "TRUE", "2026-01-02", "Źdźbło 漢字 🦊 e\u0301", "\u200f=ltr", "a\tb", '"', ";", ",", "\\", "#N/A",
    "Leadgen id", "=HYPERLINK(\"http://x.example\")", "--", "  ", "\u00a0", "source: us",
]  # fmt: skip
TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
LINE = TEXT.map(lambda text: " ".join(clean_text(text).split()))
KEY = UUID("01980000-0000-7000-8000-000000000001")
AMOUNT = st.decimals(min_value=0, max_value=Decimal(99999999999999), places=2)


def _custom(kind: str, choices: Any, value: Any) -> Any:
    try:
        return custom_rules.read(kind, value, choices, "EUR")
    except Unusable:
        return None


@st.composite
def records(draw: Any) -> Any:
    """A company with a custom field of each kind, as the actions would have kept it."""
    custom = {
        "remark": _custom("text", [], draw(TEXT)), "city": _custom("text", [], draw(TEXT)),
        "score": _custom("number", [], draw(st.one_of(st.integers(-(10**14), 10**14), st.decimals(-(10**6), 10**6, places=3)))),
        "ends": draw(st.none() | st.dates(date(1000, 1, 1), date(2999, 12, 31)).map(date.isoformat)),
        "tier": draw(st.sampled_from(["C", "C#", "None", "-", "+A", None])),
        "fee": _custom("money", [], f"{draw(AMOUNT)} {draw(st.sampled_from(['EUR', 'JPY', 'USD']))}"),
    }  # fmt: skip
    listed = st.lists(TEXT, max_size=4).map(lambda words: clean_words([" ".join(w.split()) for w in words]))
    return SimpleNamespace(
        pk=KEY, id=KEY, name=draw(LINE) or "X", domain="lumen.example", website="https://lumen.example/a?b=1", linkedin_url="",
        phone=draw(st.sampled_from(["", "+49301234567", "+49301234567;ext=12", "ask for Ana"])), industry=draw(LINE),
        sub_industry="", employees=draw(st.none() | st.integers(0, 2**31 - 1)), revenue=draw(st.none() | AMOUNT),
        revenue_currency=draw(st.sampled_from(["", "EUR"])), country="DE", region=draw(LINE), city=draw(LINE), time_zone="",
        founded=draw(st.none() | st.integers(1000, 2099)), technologies=draw(listed), keywords=draw(listed), pains=draw(listed),
        goals=draw(listed), x_tags=draw(listed), funding_stage="", funding_total=draw(st.none() | AMOUNT), funding_currency="USD",
        funded_on=draw(st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1))), description=clean_text(draw(TEXT)), owner=None,
        source=draw(LINE), external_id=draw(LINE), updated_at=datetime(2026, 3, 4, tzinfo=UTC), naics="",
        created_at=datetime(2026, 3, 4, tzinfo=UTC), custom={k: v for k, v in custom.items() if v is not None},
    )  # fmt: skip


def read_back(content: bytes, kind: Kind = "companies") -> list[dict[str, Any]]:
    """The rows as the import reads them."""
    table = read_table(content)
    mapping = resolve_mapping(kind, table.header, table.sample(10))
    headers = custom_headers(kind, FIELDS)
    for field in FIELDS:
        column = next(c for c in table.header if clean_text(c) == headers[field.key])
        mapping.columns[f"{CUSTOM}{field.key}"] = column
        mapping.dated |= {f"{CUSTOM}{field.key}"} if field.kind == "date" else set()
    rows = list(table.rows())
    formats = find_formats(mapping, table.header, [row.cells for row in rows])
    assert not formats.ambiguous
    readers = {
        f"{CUSTOM}{f.key}": (lambda text, f=f: custom_rules.read(f.kind, text, f.choices, "EUR")) for f in FIELDS
    }
    converter = RowConverter(mapping, table.header, formats, zone="UTC", country="DE", custom=readers)
    found = []
    for row in rows:
        assert not row.problem, row.problem
        read = converter.convert(row.line, row.cells)
        assert not read.issues, read.issues
        found.append(dict(read.values))
    return found


def check(record: Any, values: dict[str, Any]) -> None:
    own = {"full_website": "website", "leadgen_id": "id", "tags": "x_tags"}
    columns = [
        c
        for c in columns_of("companies", FIELDS)
        if c.field and not c.custom and c.field not in ("owner", "changed_at")
    ]
    for column in columns:
        has = getattr(record, own.get(column.field, column.field))
        has = str(has) if column.field == "leadgen_id" else has
        assert values.get(column.field, "") == (has if has not in (None, []) else ""), column.field
    assert values.get("custom", {}) == record.custom


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(listed=st.lists(records(), min_size=1, max_size=4))
def test_csv_is_read_back_without_loss_and_starts_no_formula(listed: list[Any]) -> None:
    text = "".join(Export("companies", columns_of("companies", FIELDS), lambda: [listed]).csv_parts())
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert cell[:1] not in tuple("=+@\t\r") and (cell[:1] != "-" or Decimal(cell) < 0), cell
    for record, values in zip(listed, read_back(text.encode("utf-8-sig")), strict=True):
        check(record, values)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(listed=st.lists(records(), min_size=3, max_size=12))
def test_a_workbook_is_read_back_without_loss(listed: list[Any]) -> None:
    with Export("companies", columns_of("companies", FIELDS), lambda: [listed]).workbook() as file:
        content = file.read()
    assert b"<f>" not in content
    for record, values in zip(listed, read_back(content), strict=True):
        check(record, values)


@pytest.mark.parametrize(("text", "cell"), [("=1", "'=1"), ("-5", "-5"), ("-5.25", "-5.25"), ("-2+3", "'-2+3"), ("+49301", "'+49301"), ("a=b", "a=b"), ("", "")])  # fmt: skip
def test_what_could_begin_a_formula_is_text(text: str, cell: str) -> None:
    assert safe_cell(text) == cell
    assert clean_text(cell) == text


def test_the_words_of_our_own_are_those_of_the_models() -> None:
    assert set(Seniority.values) - {""} == SENIORITIES
    assert set(Department.values) - {""} == DEPARTMENTS
