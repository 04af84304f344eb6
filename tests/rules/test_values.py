"""Values as other programs write them: names, counts, money, phones by country, addresses of the web, industries."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prospects.rules import normalise
from prospects.rules.imports import RowConverter, find_formats, resolve_mapping
from prospects.rules.industries import industry, tree
from prospects.rules.names import split_name
from prospects.rules.normalise_places import country_of_zone
from tests.rules.shared_data import data_file


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Cruz, Ana", "Ana", "Cruz"), ("Smith, John, Jr.", "John", "Smith"), ("Smith Jr., John", "John", "Smith"),
        ("Da Silva, João", "João", "Da Silva"), ("Ana Cruz, PhD", "Ana", "Cruz"), ("Ana Cruz MBA, CPA", "Ana", "Cruz"),
        ("Dr. Ana Cruz", "Ana", "Cruz"), ("Prof. Dr. med. Hans von der Heide", "Hans", "von der Heide"),
        ("Herr Dipl.-Ing. Karl Maier", "Karl", "Maier"), ("Dr.-Ing. Eva Roth", "Eva", "Roth"), ("Frau Müller", "", "Müller"),
        ("Mr John Q. Public III", "John Q.", "Public"), ("J. R. R. Tolkien", "J. R. R.", "Tolkien"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"), ("Oscar de la Renta", "Oscar", "de la Renta"),
        ("José Luis Ortega y Gasset", "José Luis", "Ortega y Gasset"), ("Maria Santos e Silva", "Maria", "Santos e Silva"),
        ("Jean DUPONT", "Jean", "DUPONT"), ("DUPONT Jean", "Jean", "DUPONT"), ("ANA CRUZ", "ANA", "CRUZ"),
        ("Jean-Pierre DE LA FONTAINE", "Jean-Pierre", "DE LA FONTAINE"), ("Sra. María del Carmen Pérez", "María del Carmen", "Pérez"),
        ('Robert "Bob" Smith', "Robert", "Smith"), ("Ana (Annie) Cruz", "Ana", "Cruz"), ("Ana Cruz | Acme", "Ana", "Cruz"),
        ("Mary-Jane O'Neil", "Mary-Jane", "O'Neil"), ("Jack Ma", "Jack", "Ma"), ("Li Do", "Li", "Do"), ("Madonna", "Madonna", ""),
        ("von Braun", "", "von Braun"), ("Le Nguyen", "Le", "Nguyen"), ("Abdul al-Rashid", "Abdul", "al-Rashid"),
    ],
)  # fmt: skip
def test_full_names_are_split(text: str, first: str, last: str) -> None:
    assert split_name(text) == (first, last)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60))
def test_no_name_breaks_the_splitting(text: str) -> None:
    first, last = split_name(text)
    assert all(word in text for word in (first + " " + last).split())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("51-200", 125), ("1,556,000", 1_556_000), ("10k+", 10_000), ("10,001+", 10_001), ("1-10 employees", 5), ("<50", 50),
        ("1K-5K", 3000), ("50 bis 100", 75), ("between 50 and 100", 75), ("ca. 300", 300), ("more than 500", 500), ("12 persons", 12),
        ("Self-employed", 1), ("Myself Only", 1), ("200+ employees", 200), ("5 000 - 9 999", 7499), ("201-500 Mitarbeiter", 350),
    ],
)  # fmt: skip
def test_numbers_of_employees(text: str, count: int) -> None:
    assert normalise.whole_number(text) == count


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("$357.80K", "357800", "USD"), ("€1.2m", "1200000", "EUR"), ("1.234,56 EUR", "1234.56", "EUR"), ("$10M+", "10000000", "USD"),
        ("$1M-$10M", "5500000", "USD"), ("10-50M", "30000000", ""), ("$50M to $100M", "75000000", "USD"), ("under $1M", "1000000", "USD"),
        ("~2M", "2000000", ""), ("2,5 Mrd. EUR", "2500000000", "EUR"), ("CHF 1'200.-", "1200", "CHF"), ("k€ 3", "3000", "EUR"),
        ("5 to 10 Mio. EUR", "7500000", "EUR"), ("(1,200)", "-1200", ""), ("-5", "-5", ""),
    ],
)  # fmt: skip
def test_amounts_of_money(text: str, amount: str, currency: str) -> None:
    found = normalise.money(text)
    assert (found.amount, found.currency) == (Decimal(amount), currency)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 10**9), st.integers(1, 10**9), st.sampled_from(["$", "€", "£", ""]))
def test_the_middle_of_a_range_lies_inside_it(a: int, b: int, sign: str) -> None:
    low, high = min(a, b), max(a, b)
    assert low <= normalise.money(f"{sign}{low:,}-{sign}{high:,}").amount <= high


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("030 123456", "DE", "+4930123456"), ("+49 (0)30 123456", "", "+4930123456"), ("0049 30 123456", "", "+4930123456"),
        ("(415) 555-2671", "US", "+14155552671"), ("4155552671.0", "US", "+14155552671"), ("06 12 34 56 78", "FR", "+33612345678"),
        ("+49 30 123456; +49 170 1234567", "", "+4930123456"), ("tel:+4930123456", "", "+4930123456"),
    ],
)  # fmt: skip
def test_phones_by_country(text: str, country: str, number: str) -> None:
    assert normalise.phone(text, country) == number


def test_a_phone_a_spreadsheet_ruined_says_so() -> None:
    with pytest.raises(normalise.Unusable, match="lost digits"):
        normalise.phone("4.93012E+11", "DE")


@pytest.mark.parametrize(
    ("text", "url", "domain"),
    [
        ("Acme.com", "https://acme.com", "acme.com"), ("HTTP://WWW.Acme.co.uk/", "http://www.acme.co.uk", "acme.co.uk"),
        ("acme.com, beta.com", "https://acme.com", "acme.com"), ("//acme.com/Team?x=1", "https://acme.com/Team?x=1", "acme.com"),
        ("www.acme.com?utm=x", "https://www.acme.com/?utm=x", "acme.com"),
    ],
)  # fmt: skip
def test_addresses_of_the_web(text: str, url: str, domain: str) -> None:
    assert normalise.url(text) == url
    assert normalise.domain(text) == domain


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Software Development", 4), ("Computer Software", 4), ("SaaS", 4), ("Information Technology & Services", 96), ("4", 4),
        ("Maschinenbau", 55), ("Hospital & Health Care", 14), ("Assurance", 42), ("Manufacturing > Machinery Manufacturing", 55),
        ("Softwre Development", 4), ("Something else", None), ("999999", None), ("", None), ("²", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_industries_have_linkedins_codes_or_none(text: str, code: int | None) -> None:
    found = industry(text)
    assert (found.code if found else None) == code


def test_the_tree_is_linkedins() -> None:
    import csv
    import re

    with data_file("lists/linkedin_industries_v2.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["id"]): row["label"].strip() for row in rows} == {
        code: found.label for code, found in tree().items()
    }
    depths = {int(row["id"]): len(re.split(r"\s*>\s*", row["hierarchy"])) - 1 for row in rows}
    assert depths == {code: len(found.above) for code, found in tree().items()}


def convert(header: list[str], cells: list[str], kind: Any = "people", country: str = "") -> Any:
    mapping = resolve_mapping(kind, header, [cells])
    formats = find_formats(mapping, header, [cells])
    return RowConverter(mapping, header, formats, zone="Europe/Lisbon", country=country).convert(2, cells)


def test_a_national_number_is_read_by_its_rows_country_else_by_the_workspaces_and_says_so() -> None:
    header = ["Phone", "Country", "Email"]
    assert convert(header, ["030 123456", "Germany", "a@b.example"], country="PT").values["phone"] == "+4930123456"
    row = convert(header, ["213 456 789", "", "a@b.example"], country="PT")
    assert row.values["phone"] == "+351213456789"
    assert [issue.message for issue in row.issues] == ["read as a number of PT, the country of your time zone"]
    row = convert(header, ["213 456 789", "", "a@b.example"])
    assert "phone" not in row.values
    assert "country code" in row.issues[0].remedy
    assert (country_of_zone("Europe/Lisbon"), country_of_zone("UTC"), country_of_zone("America/New_York")) == (
        "PT",
        "",
        "US",
    )


def test_a_company_row_gets_the_narrowest_code_its_words_name() -> None:
    header = ["Company name", "Industry", "Sub-industry"]
    assert convert(header, ["Acme", "Industrials", "Aerospace & Defense"], "companies").values["industry_code"] == 1
    assert convert(header, ["Acme", "Industrials", "Nobody knows"], "companies").values["industry_code"] == 25
    assert "industry_code" not in convert(header, ["Acme", "Whatever", ""], "companies").values
