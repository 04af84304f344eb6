"""NAICS codes as exports write them, and the way from them to LinkedIn's tree."""

import pytest

from prospects.rules.industries import tree
from prospects.rules.naics import _LINKEDIN, codes, industry_of, naics, read_naics
from prospects.rules.normalise_text import Unusable


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        ("513210", "513210", "Software Publishers"),
        ("513210.0", "513210", "Software Publishers"),  # a spreadsheet made a number of it
        ("NAICS 541511", "541511", "Custom Computer Programming Services"),
        ("NAICS 2022: 541511 - Custom Computer Programming Services", "541511", "Custom Computer Programming Services"),
        ("31-33", "31", "Manufacturing"),
        ("33", "33", "Manufacturing"),
        ("Software publishers", "5132", "Software Publishers"),
        ("511210", "51", "Information"),  # software publishers of 2017: 2022 has no 511
    ],
)
def test_codes_are_read_as_they_are_written(text: str, code: str, label: str) -> None:
    found = naics(text)
    assert found is not None
    assert (found.code, found.label) == (code, label)
    assert read_naics(text) == code


def test_a_class_says_what_stands_above_it() -> None:
    found = naics("336411")
    assert found is not None
    assert found.path == (
        "Manufacturing > Transportation Equipment Manufacturing > Aerospace Product and Parts Manufacturing > Aircraft Manufacturing"
    )


@pytest.mark.parametrize("text", ["1", "99", "00513210", "Bakers of cake", "1234567"])
def test_what_is_no_class_is_refused_in_words(text: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_naics(text)
    assert "NAICS" in str(refused.value)
    assert "513210" in refused.value.remedy


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("513210", "Software Development"),
        ("541511", "IT System Custom Software Development"),
        ("522110", "Banking"),
        ("325412", "Pharmaceutical Manufacturing"),
        ("336110", "Motor Vehicle Manufacturing"),
        ("611310", "Higher Education"),
        ("722511", "Restaurants"),
        ("33", "Manufacturing"),
    ],
)
def test_a_code_means_an_industry_of_the_tree(code: str, label: str) -> None:
    found = industry_of(code)
    assert found is not None
    assert found.label == label


def test_every_class_has_an_industry_and_every_prefix_is_a_class() -> None:
    assert len(codes()) > 2100
    assert [code for code in codes() if industry_of(code) is None] == []
    assert [prefix for prefix, code in _LINKEDIN.items() if prefix not in codes() or code not in tree()] == []
