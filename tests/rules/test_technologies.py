"""One name a technology, whatever exports and people write."""

import pytest

from prospects.rules.normalise_text import plain
from prospects.rules.technologies import _NAMES, technologies, technology


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("salesforce.com", "Salesforce"),
        ("SFDC", "Salesforce"),
        ("hubspot", "HubSpot"),
        ("Hub Spot", "HubSpot"),
        ("HUBSPOT CRM", "HubSpot"),
        ("Google Apps for Work", "Google Workspace"),
        ("office-365", "Microsoft 365"),
        ("PostgreSQL (15)", "PostgreSQL"),
        ("S/4HANA", "SAP S/4HANA"),
        ("asp.net", ".NET"),
        ("  Bespoke   ERP ", "Bespoke ERP"),
        ("(internal)", "(internal)"),
        ("", ""),
    ],
)
def test_a_name_is_read_as_its_makers_write_it(text: str, name: str) -> None:
    assert technology(text) == name


def test_each_is_listed_once() -> None:
    assert technologies(["sfdc", "Salesforce", "bespoke erp", "Bespoke ERP", "AWS"]) == [
        "Salesforce", "bespoke erp", "Amazon Web Services",
    ]  # fmt: skip


def test_no_word_means_two_technologies() -> None:
    seen: dict[str, str] = {}
    for line in _NAMES.strip().splitlines():
        for word in line.split("|"):
            assert seen.setdefault(plain(word), line.split("|")[0]) == line.split("|")[0], word
