"""Mapping of columns to fields: by name, by value, by what the user says; then rows to values."""

import csv
import io
import random
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from leadgen.core.errors import Invalid
from prospects.rules.dates import Moment
from prospects.rules.imports import (
    ConvertedRow,
    Kind,
    Mapping,
    RowConverter,
    check_formats,
    check_mapping,
    find_formats,
    guess_mapping,
    parse_options,
    resolve_mapping,
)
from prospects.sources.csv import open_table
from tests.rules.shared_data import data_file

PERSON = {"first_name": "First Name", "last_name": "Last Name", "email": "Email"}
EXPORTS: dict[tuple[str, Kind], dict[str, str]] = {
    ("google-contacts-old", "people"): {
        "full_name": "Name", "first_name": "Given Name", "last_name": "Family Name", "email": "E-mail 1 - Value",
        "phone": "Phone 1 - Value", "company": "Organization 1 - Name", "title": "Organization 1 - Title",
        "department": "Organization 1 - Department", "domain": "Website 1 - Value", "city": "Address 1 - City",
        "region": "Address 1 - Region", "country": "Address 1 - Country", "location": "Address 1 - Formatted", "note": "Notes",
    },
    ("google-contacts-new", "people"): {
        "first_name": "First Name", "last_name": "Last Name", "email": "E-mail 1 - Value", "phone": "Phone 1 - Value",
        "company": "Organization Name", "title": "Organization Title", "department": "Organization Department",
        "domain": "Website 1 - Value", "city": "Address 1 - City", "region": "Address 1 - Region",
        "country": "Address 1 - Country", "location": "Address 1 - Formatted", "note": "Notes",
    },
    ("outlook", "people"): {
        "first_name": "First Name", "last_name": "Last Name", "title": "Job Title", "email": "E-mail Address",
        "phone": "Business Phone", "company": "Company", "department": "Department", "domain": "Web Page",
        "city": "Business City", "region": "Business State", "country": "Business Country/Region", "note": "Notes",
    },
    ("apollo", "people"): PERSON | {
        "title": "Title", "company": "Company", "seniority": "Seniority", "department": "Departments", "phone": "Work Direct Phone",
        "linkedin_url": "Person Linkedin Url", "domain": "Website", "city": "City", "region": "State", "country": "Country",
        "external_id": "Apollo Contact Id", "note": "Short Description", "company_employees": "# Employees",
        "company_industry": "Industry", "company_keywords": "Keywords", "company_funding_total": "Total Funding",
        "company_linkedin_url": "Company Linkedin Url",
    },
    ("hubspot-contacts", "people"): PERSON | {
        "external_id": "Record ID", "phone": "Phone Number", "owner": "Contact owner", "company": "Associated Company",
    },
    ("hubspot-contacts", "leads"): PERSON | {
        "external_id": "Record ID", "phone": "Phone Number", "owner": "Contact owner", "company": "Associated Company",
        "opened_at": "Create Date", "stage": "Lifecycle Stage",
    },
    ("hubspot-companies", "companies"): {
        "external_id": "Record ID", "name": "Company name", "domain": "Website URL", "owner": "Company owner",
    },
    ("hubspot-deals", "leads"): {
        "external_id": "Record ID", "stage": "Deal Stage", "value": "Amount", "owner": "Deal owner",
    },
    ("linkedin-connections", "people"): {
        "first_name": "First Name", "last_name": "Last Name", "linkedin_url": "URL", "email": "Email Address",
        "company": "Company", "title": "Position",
    },
    ("pipedrive", "people"): {
        "full_name": "Person - Name", "company": "Organization - Name", "email": "Person - Email",
    },
    ("salesforce-leads", "people"): PERSON | {"phone": "Phone", "source": "Lead Source", "owner": "Owner Alias"},
    ("salesforce-leads", "leads"): PERSON | {
        "phone": "Phone", "channel": "Lead Source", "owner": "Owner Alias", "stage": "Lead Status", "opened_at": "Created Date",
    },
    ("german", "people"): {
        "first_name": "Vorname", "last_name": "Nachname", "email": "E-Mail", "phone": "Telefon", "company": "Firma",
    },
    ("french", "people"): {
        "first_name": "Prénom", "last_name": "Nom", "email": "Adresse e-mail", "company": "Société", "phone": "Téléphone",
    },
}  # fmt: skip


def export_headers() -> dict[str, list[str]]:
    headers = {}
    for line in data_file("csv/export_headers.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            name, _, text = line[1:].partition("] ")
            headers[name] = open_table((text.split("then: ")[-1] + "\n").encode()).header
    return headers


def test_every_known_export_is_covered() -> None:
    assert {name for name, _ in EXPORTS} == set(export_headers())


@pytest.mark.parametrize(("name", "kind"), list(EXPORTS))
def test_real_exports_map_without_help(name: str, kind: Kind) -> None:
    header = export_headers()[name]
    mapping = guess_mapping(kind, header)
    assert mapping.columns == EXPORTS[name, kind]
    assert set(mapping.reasons) == set(mapping.columns)
    assert mapping.questions == []
    assert mapping.leftover == [column for column in header if column not in mapping.columns.values()]


def test_title_is_a_salutation_or_a_job_by_its_values_and_neighbours() -> None:
    header = ["First Name", "Last Name", "Title", "Email"]
    assert guess_mapping("people", header).columns["title"] == "Title"
    assert guess_mapping("people", header, [["A", "B", "CTO", "a@b.example"]]).columns["title"] == "Title"
    assert "title" not in guess_mapping("people", header, [["A", "B", "Mr.", "a@b.example"]]).columns
    assert "title" not in guess_mapping("people", [*header, "Suffix"]).columns


def test_values_overrule_a_name_that_lies() -> None:
    rows = [["ana@a.example", "x1", "Acme"], ["bob@b.example", "x2", "Bolt"]]
    mapping = guess_mapping("people", ["Contact", "Email", "Company"], rows)
    assert mapping.columns["email"] == "Contact"
    assert "values can only be" in mapping.reasons["email"]


def test_columns_of_equal_right_are_asked_for() -> None:
    rows = [[f"a{i}@x.example", f"b{i}@y.example"] for i in range(5)]
    mapping = guess_mapping("people", ["one", "two"], rows)
    assert "email" not in mapping.columns
    assert [(q.field, q.columns) for q in mapping.questions] == [("email", ("one", "two"))]
    assert "--map email=" in mapping.questions[0].message


def oracle(name: str) -> list[list[str]]:
    with data_file(f"oracle/{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def renamed(rows: list[list[str]], names: dict[str, str], seed: int) -> bytes:
    """The rows with other column names, in another order."""
    order = list(range(len(rows[0])))
    random.Random(seed).shuffle(order)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";")
    writer.writerow([names.get(rows[0][i], rows[0][i]) for i in order])
    writer.writerows([[row[i] for i in order] for row in rows[1:]])
    return buffer.getvalue().encode()


LEAD_NAMES = """
external_id|email|first_name|last_name|company|domain|channel|campaign|owner|created_at|mql_at|accepted_at|sql_at|opportunity_at|closed_at|outcome|reason|deal_value|mrr|churned_at
Lead ID|Email Address|First|Last|Account|Website|Source channel|Campaign Name|Sales rep|Created|MQL date|SAL date|Qualified on|Opp created|Close date|Result|Loss reason|Amount|Monthly recurring|Churn date
ID|Contact|Given name|Surname|Organisation|Company domain|Source|UTM campaign|Rep|Lead created|Marketing qualified|Accepted on|Sales qualified|Deal created|Closed|Status|Why|Deal size|MRR|Cancelled on
ref|mail|vorname|nachname|firma|web|kanal|kampagne|verantwortlich|angelegt am|MQL am|akzeptiert am|SQL am|Verkaufschance am|abgeschlossen am|ergebnis|grund|auftragswert|MRR (EUR)|gekündigt am
leadId|emailAddress|firstName|lastName|companyName|companyDomain|leadSource|campaignName|ownerEmail|createdDate|mqlDate|acceptedDate|sqlDate|opportunityDate|closedDate|finalOutcome|closeReason|contractValue|monthlyRecurringRevenue|churnDate
lead_no|contact_email|contact_first|contact_last|account_name|account_domain|first_touch_channel|first_touch_campaign|rep_email|lead_created_ts|mql_ts|sal_ts|sql_ts|opp_ts|close_ts|close_result|close_reason|opp_amount|mrr_amount|churn_ts
"""


@pytest.mark.parametrize("line", LEAD_NAMES.strip().splitlines())
def test_a_history_with_renamed_and_shuffled_columns_maps_itself(line: str) -> None:
    names = line.split("|")
    rows = oracle("leads")
    fields = ["opened_at" if n == "created_at" else "value" if n == "deal_value" else n for n in rows[0]]
    table = open_table(renamed(rows, dict(zip(rows[0], names, strict=True)), seed=len(names[0])))
    mapping = guess_mapping("leads", table.header, table.sample(500))
    assert mapping.columns == dict(zip(fields, names, strict=True))
    assert mapping.questions == []


@pytest.mark.parametrize(
    ("name", "kind", "names"),
    [
        ("spend", "spend", "Kanal|Kampagne|Von|Bis|Kosten|Währung"),
        ("spend", "spend", "Source|Campaign name|Start|End|Cost|Cur"),
        ("spend", "spend", "a|camp|c|d|e|f"),
        ("touches", "activities", "Lead ID|Timestamp|Source|Bot or human"),
        ("touches", "activities", "who|x|y|z"),
    ],
)
def test_spend_and_touches_map_themselves(name: str, kind: Kind, names: str) -> None:
    rows = oracle(name)
    table = open_table(renamed(rows, dict(zip(rows[0], names.split("|"), strict=True)), seed=3))
    mapping = guess_mapping(kind, table.header, table.sample(500))
    assert mapping.columns == dict(zip(rows[0], names.split("|"), strict=True))


def test_dates_in_the_wrong_order_are_not_taken_for_a_stage() -> None:
    header = ["Lead ID", "Email", "Created", "SQL date", "Close date", "Checked"]
    rows = [
        [f"L{i}", f"a{i}@x.example", f"2025-01-{i:02}", f"2024-06-{i:02}", f"2025-03-{i:02}", f"2025-02-{i:02}"]
        for i in range(1, 20)
    ]
    mapping = guess_mapping("leads", header, rows)
    assert mapping.columns["opened_at"] == "Created"
    assert "sql_at" not in mapping.columns
    clash, unnamed = mapping.questions
    assert (clash.field, clash.columns) == ("sql_at", ("SQL date",))
    assert '--map sql_at="SQL date"' in clash.message
    assert unnamed.columns == ("Checked",)
    assert "opportunity_at" in unnamed.field


def test_options_are_read_and_wrong_ones_named() -> None:
    options = parse_options(
        "leads",
        maps=["created_at=Start = here", "reason="],
        sets=["currency=USD"],
        values=["outcome:Won=won", "outcome:a=b=lost", "deal_value:-=0"],
        dates="DMY",
    )
    assert options.columns == {"opened_at": "Start = here", "reason": ""}
    assert options.constants == {"currency": "USD"}
    assert options.translations == {"outcome": {"won": "won", "a=b": "lost"}, "value": {"-": "0"}}
    assert options.dates == "dmy"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"maps": ["emial=x"]}, r'--map: leads have no field "emial". Did you mean email\?'),
        ({"maps": ["email"]}, "not of the form field=column"),
        ({"values": ["won=lost"]}, "not of the form field:word=value"),
        ({"dates": "mdd"}, "none of dmy, mdy, ymd"),
    ],
)
def test_wrong_options(given: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        parse_options("leads", **given)


def test_what_the_user_says_overrules_the_guess() -> None:
    header = ["Lead ID", "Email", "Created", "Deal Stage"]
    options = parse_options("leads", maps=["outcome=deal stage", "email="], sets=["channel=event"])
    mapping = resolve_mapping("leads", header, [], options)
    assert mapping.columns == {"external_id": "Lead ID", "opened_at": "Created", "outcome": "Deal Stage"}
    assert mapping.constants == {"channel": "event"}
    assert mapping.leftover == ["Email"]
    twice = resolve_mapping("leads", header, [], parse_options("leads", maps=["opened_at=Created", "mql_at=Created"]))
    assert (twice.columns["opened_at"], twice.columns["mql_at"]) == ("Created", "Created")
    with pytest.raises(Invalid, match=r'no column "Craeted". Did you mean Created\?'):
        resolve_mapping("leads", header, [], parse_options("leads", maps=["opened_at=Craeted"]))


@pytest.mark.parametrize("kind", ["people", "companies", "leads", "spend", "activities"])
def test_a_header_of_other_names_is_refused_with_its_row(kind: Kind) -> None:
    table = open_table(data_file("csv/sineemore/csv/bad-header-wrong-header.csv"))
    mapping = resolve_mapping(kind, table.header, table.sample())
    with pytest.raises(Invalid, match="Row 1: no column"):
        check_mapping(mapping, table.header, header_row=table.header_row_number)


def convert(kind: Kind, text: str, zone: str = "UTC", **given: Any) -> tuple[Mapping, list[ConvertedRow]]:
    table = open_table(text.encode())
    options = parse_options(kind, **given)
    mapping = resolve_mapping(kind, table.header, table.sample(), options)
    check_mapping(mapping, table.header)
    formats = find_formats(mapping, table.header, (row.cells for row in table.rows()), order=options.dates)
    check_formats(mapping, formats)
    converter = RowConverter(mapping, table.header, formats, zone=zone, country="DE", translations=options.translations)
    return mapping, [converter.convert(row.line, row.cells) for row in table.rows()]


def test_people_rows_become_values_and_doubts_become_issues() -> None:
    _, rows = convert(
        "people",
        "Name;E-Mail;Telefon;Land;Firma;Titel\n"
        "Dr. Ana de Cruz;ANA@Acme.example;030 123456;Deutschland;Acme;\n"
        ";not an address;;;;\n"
        "Bob;bob@x.example;12;Atlantis;-;\n"
        ";;;;Acme;\n",
    )
    assert rows[0].values == {
        "email": "ana@acme.example",
        "full_name": "Dr. Ana de Cruz",
        "first_name": "Ana",
        "last_name": "de Cruz",
        "company": "Acme",
        "phone": "+4930123456",
        "country": "DE",
    }
    assert rows[0].issues == []
    assert rows[1].refused
    issue = rows[1].issues[0]
    assert (issue.row, issue.column, issue.value, issue.severity) == (3, "E-Mail", "not an address", "error")
    assert not rows[2].refused
    assert {(i.column, i.severity) for i in rows[2].issues} == {("Telefon", "warning"), ("Land", "warning")}
    assert "phone" not in rows[2].values
    assert rows[3].refused
    assert "names nothing" in rows[3].issues[0].message
    assert all(
        issue.remedy for row in rows for issue in row.issues if issue.severity == "error" and issue.column == "E-Mail"
    )


def test_lead_rows_channels_outcomes_dates_and_money() -> None:
    mapping, rows = convert(
        "leads",
        "Lead ID,Created,Source,Status,Close date,Amount (USD)\n"
        'L1,31/12/2025,Google Ads,Closed Won,05/02/2026,"$1,500.50"\n'
        "L2,01/02/2026,Pigeon,Negotiation,,\n"
        "L3,05/02/2026,,Lost,03/02/2026,0\n"
        "L4,13/13/2026,LinkedIn,Odd,,x\n",
        zone="Europe/Berlin",
    )
    assert mapping.constants == {"currency": "USD"}
    first = rows[0].values
    assert first["opened_at"] == Moment(datetime(2025, 12, 30, 23, tzinfo=UTC), bare=True)
    assert (first["channel"], first["subchannel"]) == ("paid", "Google Ads")
    assert (first["outcome"], first["value"], first["currency"]) == ("won", Decimal("1500.50"), "USD")
    assert (rows[1].values["channel"], rows[1].values["subchannel"], rows[1].values["stage"]) == (
        "other",
        "Pigeon",
        "opportunity",
    )
    assert "outcome" not in rows[1].values
    assert [i.severity for i in rows[1].issues] == ["warning"]
    assert rows[2].values["channel"] == "unknown"
    assert rows[2].values["value"] == 0
    assert "closed_at lies before opened_at; kept" in rows[2].issues[0].message
    assert {i.column for i in rows[3].issues if i.severity == "error"} == {"Created", "Status", "Amount (USD)"}


def test_ambiguous_dates_are_refused_until_the_order_is_said() -> None:
    text = "Lead ID,Created\nL1,03/04/2025\n"
    with pytest.raises(Invalid, match=r"Column Created \(opened_at\).*--dates dmy or --dates mdy") as refused:
        convert("leads", text)
    assert (refused.value.code, refused.value.detail["candidates"]) == ("ambiguous_dates", ["dmy", "mdy"])
    _, rows = convert("leads", text, dates="mdy")
    assert rows[0].values["opened_at"] == Moment(datetime(2025, 3, 4, tzinfo=UTC), bare=True)


def test_spend_months_and_days() -> None:
    _, rows = convert(
        "spend", 'Month,Channel,Cost\n2025-02,Google Ads,1200\nMar 2025,E-Mail,"1,000.00"\n', sets=["currency=EUR"]
    )
    assert rows[0].values == {
        "channel": "paid", "subchannel": "Google Ads", "from": date(2025, 2, 1), "to": date(2025, 2, 28),
        "amount": Decimal(1200), "currency": "EUR",
    }  # fmt: skip
    assert rows[1].values["to"] == date(2025, 3, 31)
    _, swapped = convert("spend", "From,To,Channel,Cost\n2025-02-03,2025-02-01,Email,1\n")
    assert swapped[0].refused


def test_the_sales_pipeline_by_guess_and_by_flags() -> None:
    text = data_file("pipeline/sales_pipeline.csv").read_text("utf-8")
    mapping, rows = convert("leads", text, sets=["currency=USD"])
    assert mapping.columns == {
        "external_id": "opportunity_id", "owner": "sales_agent", "company": "account", "stage": "deal_stage",
        "opened_at": "engage_date", "closed_at": "close_date", "value": "close_value",
    }  # fmt: skip
    assert mapping.leftover == ["product"]
    assert Counter(row.values["stage"] for row in rows) == {
        "customer": 4238,
        "lost": 2473,
        "opportunity": 1589,
        "lead": 500,
    }
    assert sum(row.values["value"] for row in rows if row.values.get("outcome") == "won") == 10_005_534
    assert [row.issues for row in rows if row.issues] == []
    _, flagged = convert("leads", text, maps=["outcome=deal_stage"], values=["outcome:Won=won", "outcome:Lost=lost"])
    assert Counter(row.values.get("outcome") for row in flagged) == {"won": 4238, "lost": 2473, None: 2089}


def test_the_oracle_converts_without_an_issue() -> None:
    for name, kind in (("leads", "leads"), ("spend", "spend"), ("touches", "activities")):
        _, rows = convert(kind, data_file(f"oracle/{name}.csv").read_text("utf-8"), zone="Europe/Berlin")  # type: ignore[arg-type]
        assert [issue for row in rows for issue in row.issues] == []


def test_listed_companies_get_industry_place_and_year() -> None:
    mapping, rows = convert("companies", data_file("companies/sp500_constituents.csv").read_text("utf-8"))
    assert mapping.columns == {
        "name": "Security", "external_id": "Symbol", "industry": "GICS Sector", "sub_industry": "GICS Sub-Industry",
        "location": "Headquarters Location", "founded": "Founded",
    }  # fmt: skip
    assert len(rows) == 503
    assert [row for row in rows if row.refused] == []
    assert Counter(row.values["industry"] for row in rows)["Industrials"] == 83
    assert Counter(row.values.get("country") for row in rows)["US"] == 478
    assert rows[0].values["founded"] == 1902
