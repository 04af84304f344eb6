"""Global search: what it finds, that it finds by index under row-level security, and in this workspace only."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leadgen.core import database
from leadgen.core.secrets import digest
from leadgen.core.tenancy import bulk_insert, workspace_scope
from prospects.actions.duplicates import write_keys
from prospects.actions.search import learn_names
from prospects.models import Company, Person
from prospects.queries import companies
from prospects.queries.duplicates import PEOPLE
from prospects.queries.search import search
from prospects.queries.texts import begins, inside, named
from tests.database import urls
from tests.factories.prospects import make_company, make_deal, make_person

HTMX = {"HX-Request": "true"}


def conditions(queryset: Any) -> dict[str, str]:
    """Index -> its condition, in the plan PostgreSQL chooses by itself."""
    sql, params = queryset.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        plan = cursor.fetchone()[0]
    found: dict[str, str] = {}

    def walk(node: dict[str, Any]) -> None:
        if "Index Name" in node:
            found[node["Index Name"]] = node.get("Index Cond", "")
        for child in node.get("Plans", ()):
            walk(child)

    walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found


def test_search_goes_by_trigram_index_under_row_level_security(transactional_db, acme, now) -> None:
    with workspace_scope(acme.pk):
        stamps = {"created_at": now, "updated_at": now}
        # Words that share few trigrams: with one repeated name any index would be a poor choice.
        words = [digest(str(number), purpose="test")[:24] for number in range(6000)]
        bulk_insert(Company, [Company(name=word, domain=f"{word}.example", **stamps) for word in words])
        bulk_insert(Person, [Person(full_name=word, email=f"{word}@x.example", **stamps) for word in words])
    with database.connect(urls().owner) as owner:
        # VACUUM moves what was just written out of the GIN indexes' pending lists, as autovacuum does.
        owner.execute("VACUUM ANALYZE prospects_company")
        owner.execute("VACUUM ANALYZE prospects_person")
    with workspace_scope(acme.pk):
        own = named("full_name", ["ferreira"]) | inside("email", "ferreira")
        found = conditions(Person.objects.filter(own))
        found |= conditions(companies.containing(Company.objects.all(), "lumen"))
        found |= conditions(Person.objects.filter(begins("full_name", "qx")))
    for name in ("person_name_trgm", "person_email_trgm", "company_name_trgm", "company_domain_trgm"):
        # Without LEAKPROOF marks the LIKE would be a filter behind the policy, not a condition of the index.
        assert "~~" in found[name]
        assert "workspace_id" in found[name]


@pytest.fixture
def rows(acme, globex) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen Robotics", domain="lumen.example")
        make_person("Ana Ferreira", lumen, email="ana@lumen.example", title="VP Operations")
        make_person("Johanna Müller", email="jm@kite.example")
        make_person("100% Sure_Thing", email="odd@odd.example")
        make_deal("Robotics rollout", company=lumen)
        learn_names(["Lumen Robotics", "Ana Ferreira", "Johanna Müller", "Robotics rollout"])
    with workspace_scope(globex.pk):
        make_person("Ana Outside", email="ana@globex.example")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ana", ["Ana Ferreira"]),
        ("ferreira ana", ["Ana Ferreira"]),
        ("AN", ["Ana Ferreira"]),  # two letters begin a word: no index knows them in the middle of one
        ("ann", ["Johanna Müller"]),
        ("müll", ["Johanna Müller"]),
        ("muller", ["Johanna Müller"]),  # by the vocabulary: no accent, and the slips below
        ("ferreria", ["Ana Ferreira"]),
        ("Ferriera Ana", ["Ana Ferreira"]),
        ("lumne", ["Lumen Robotics"]),
        ("robo rollout", ["Robotics rollout"]),
        ("robtics", ["Lumen Robotics", "Robotics rollout"]),
        ("johana", ["Johanna Müller"]),
        ("zzzzzz", []),
        ("kite.ex", ["Johanna Müller"]),
        ("%", []),
        ("00% sur", ["100% Sure_Thing"]),
        ("e_t", ["100% Sure_Thing"]),
        ("lumen.example", ["Ana Ferreira", "Lumen Robotics"]),
        ("a", []),
        ("", []),
    ],
)
def test_what_is_found(acme, rows, text, names) -> None:
    with workspace_scope(acme.pk):
        found = search(text)
        assert [str(row) for row in [*found.people, *found.companies, *found.deals]] == names


def test_what_changed_enters_the_vocabulary_by_the_worker(acme, now) -> None:
    with workspace_scope(acme.pk):
        person = make_person("Beatriz Nakamura")
        assert write_keys(PEOPLE, [person.pk]) == 1
        assert [str(row) for row in search("nakamrua").people] == ["Beatriz Nakamura"]
        assert search("nakamrua").meant == "Nakamura"


def test_search_takes_three_queries(acme, rows) -> None:
    with workspace_scope(acme.pk), CaptureQueriesContext(connection) as captured:
        found = search("ana", limit=1)
        assert [str(row.company) for row in found.people] == ["Lumen Robotics"]
    assert len([query for query in captured if query["sql"].startswith("SELECT")]) == 3


def test_the_combobox_gets_options_and_enter_a_page(bob, as_, rows) -> None:
    client = as_(bob)
    options = client.get("/w/acme/search/?q=ana", headers=HTMX).content.decode()
    assert options.count('role="option"') == 1
    assert "VP Operations · Lumen Robotics" in options
    assert "<html" not in options
    assert "Nothing matches" in client.get("/w/acme/search/?q=zzz", headers=HTMX).content.decode()
    html = client.get("/w/acme/search/?q=lumen").content.decode()
    assert "Ana Ferreira" in html
    assert "Lumen Robotics" in html
    assert "Outside" not in client.get("/w/acme/search/?q=ana").content.decode()
    assert "&lt;b&gt;" in client.get("/w/acme/search/?q=<b>").content.decode()
    assert client.get("/w/globex/search/?q=ana").status_code == 404
