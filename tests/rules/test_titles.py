"""Seniority from a job title: a labelled list, and what must not mislead it."""

from collections import Counter
from pathlib import Path

import pytest

from prospects.rules import titles

CLASSES = {"founder": "C", "c_level": "C", "vp": "V", "head": "D", "director": "D", "manager": "M"}
LABELLED = [
    line.split("|", 1)
    for line in (Path(__file__).parent / "titles.txt").read_text().splitlines()
    if not line.startswith("#")
]


def test_a_labelled_list_is_read_as_people_read_it() -> None:
    """Of every class, so that a rule that calls everything "other" cannot pass."""
    wrong: dict[str, list[str]] = {label: [] for label in "CVDMO"}
    for label, title in LABELLED:
        if CLASSES.get(titles.role(title).seniority, "O") != label:
            wrong[label].append(title)
    size = Counter(label for label, _ in LABELLED)
    assert min(size.values()) >= 30
    for label, titles_of_label in wrong.items():
        assert len(titles_of_label) <= 0.02 * size[label], titles_of_label


@pytest.mark.parametrize(
    ("title", "seniority", "by"),
    [
        ("Former CEO, now Director of Sales", "director", "director"),  # what somebody was
        ("Engineer at Director Software", "staff", "engineer"),  # the employer's name
        ("Growing teams | CTO @ Partner Bank", "c_level", "cto"),
        ("Assistant to the Managing Director", "staff", "assistant to"),  # the rank of whom they work for
        ("Vice President, Office of the CEO", "vp", "vice president"),
        ("Member of the Board of Directors", "", ""),
        ("CEO, Member of the Board of Directors", "c_level", "ceo"),
        ("Assistant Vice President", "vp", "vice president"),
        ("Product Owner", "staff", "product owner"),
        ("Bauleiter", "manager", "bauleiter"),
        ("Leiterin Bau", "head", "leiterin"),
        ("V.P. Product", "vp", "vice president"),
    ],
)
def test_it_says_by_which_words(title: str, seniority: str, by: str) -> None:
    found = titles.read(title)
    assert (found.role.seniority, found.words) == (seniority, by)


def test_it_says_how_sure_it_is() -> None:
    assert titles.read("CEO").sure > titles.read("Partner").sure > titles.read("Helping people grow").sure == 0
