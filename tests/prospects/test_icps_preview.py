"""The preview of an ICP: counts, grades, a sample of many rows, and the values there are."""

from datetime import datetime
from typing import Any

import pytest

from prospects.queries.icps import preview, values_present
from prospects.rules.fields import COMPANY_FACTS
from prospects.rules.icps import check_content
from tests.factories.prospects import make_company
from tests.prospects.test_icps import CONTENT, INDUSTRY, firms

__all__ = ["firms"]  # a fixture


def test_the_preview_counts_grades_and_names_the_best(firms: None, in_acme: Any, now: datetime) -> None:
    found = preview(check_content(CONTENT), now=now)
    assert (found.total, found.matches.value, found.share) == (3, 1, 1 / 3)
    assert [(letter, count) for letter, count, _ in found.grades] == [("A", 1), ("B", 0), ("C", 0), ("D", 2), ("X", 0)]
    assert [(part.kind, part.label, round(part.met, 2), round(part.unknown, 2)) for part in found.parts] == [
        ("criterion", "Machinery", 0.33, 0), ("criterion", "200 or more", 0.33, 0.33), ("exclude", "Excluded", 0, 1.0),
    ]  # fmt: skip
    assert [(sample.row.name, sample.grade, sample.score) for sample in found.samples[:1]] == [("Lumen", "A", 100)]
    assert found.hint == "Matches 1 company: too narrow to fill a queue."
    people = preview(check_content(CONTENT), now=now, people=True)
    assert [(part.kind, part.met) for part in people.parts][-1] == ("persona", 1.0)


def test_of_many_rows_an_even_sample_is_judged(in_acme: Any, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        make_company(f"C{number}", industry="Machinery" if number % 2 else "Energy")
    monkeypatch.setattr("prospects.queries.icps.LOOKED_AT", 20)
    found = preview(check_content({"criteria": [INDUSTRY]}), now=now)
    assert found.total == 60
    assert 0 < found.looked_at < 60
    assert str(found.matches).startswith("about ")


def test_values_come_with_their_counts(firms: None, in_acme: Any) -> None:
    make_company("Sapphire", industry="Machinery", technologies=["SAP", "Oracle"])
    make_company("Sap", technologies=["SAP"])
    industry, technologies = COMPANY_FACTS.get("company.industry"), COMPANY_FACTS.get("company.technologies")
    assert industry is not None
    assert technologies is not None
    assert values_present(industry) == [("Machinery", 2), ("Energy", 1), ("Logistics", 1)]
    assert values_present(technologies) == [("SAP", 2), ("Oracle", 1)]
