"""Lawful basis: a date of its own, who said so, words, and what was said before; by hand, in bulk, by import and API."""

import pytest
import time_machine

from leadgen.core.tenancy import workspace_scope
from prospects.actions.bulk import start_bulk
from prospects.actions.merges import merge_rows
from prospects.models import BasisEntry, Person
from prospects.queries.duplicates import PEOPLE
from prospects.rules.basis import read_basis
from tests.conftest import NOW
from tests.factories.prospects import make_person
from tests.prospects.imports import run as run_import

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("said", "read"),
    [("LI", "Legitimate interest"), ("berechtigtes  Interesse", "Legitimate interest"), ("6(1)(a)", "Consent"), ("Consent, fair 2025", "Consent, fair 2025"), ("", "")],
)  # fmt: skip
def test_usual_words(said: str, read: str) -> None:
    assert read_basis(said) == read


@time_machine.travel(NOW, tick=False)
def test_by_hand_over_the_api_and_with_history(acme, alice, bob, as_, api) -> None:
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira")
    url = f"/w/acme/people/{ana.pk}/privacy/"
    wrong = as_(bob).post(url, {"lawful_basis": "LI", "lawful_basis_at": "2027-01-01", "lawful_basis_note": ""})
    assert wrong.status_code == 422
    # What was refused is not shown as what is held.
    assert "in the future" in wrong.content.decode() and "since 1 Jan 2027" not in wrong.content.decode()
    with workspace_scope(acme.pk):
        assert not BasisEntry.objects.exists()
    as_(bob).post(url, {"lawful_basis": "LI", "lawful_basis_at": "2026-01-15", "lawful_basis_note": "Public register"})
    client = api(alice)
    changed = client.patch(f"/api/v1/people/{ana.pk}/", {"lawful_basis": "Consent"}, "application/json").json()
    assert (changed["lawful_basis"], changed["lawful_basis_at"][:10], changed["lawful_basis_note"]) == (
        "Consent",
        "2026-03-04",
        "",
    )
    history = client.get(f"/api/v1/people/{ana.pk}/lawful-bases/").json()
    assert [(row["basis"], row["at"][:10], row["note"], row["member"]) for row in history] == [
        ("Consent", "2026-03-04", "", str(alice.member.pk)), ("Legitimate interest", "2026-01-15", "Public register", str(bob.member.pk)),
    ]  # fmt: skip
    page = as_(bob).get(url).content.decode()
    assert "Public register" in page
    # Noting the basis is no fact about where they came from; a timeline tells days, not microseconds.
    assert "lawful basis since: nothing → 15 Jan 2026" in as_(bob).get(f"/w/acme/people/{ana.pk}/").content.decode()
    assert "15 Jan 2026; " not in page and "lawful basis since:" not in page
    refused = client.patch(
        f"/api/v1/people/{ana.pk}/", {"lawful_basis": "", "lawful_basis_note": "x"}, "application/json"
    )
    assert refused.status_code in (200, 400)


def test_in_bulk_by_import_and_through_a_merge(acme, by_alice) -> None:
    with workspace_scope(acme.pk):
        ana, tom = (
            make_person("Ana Ferreira", email="ana@lumen.example"),
            make_person("Tom Okafor", email="tom@lumen.example", lawful_basis="Contract"),
        )
        params = {"field": "lawful_basis", "value": "LI", "note": "Fair 2026"}
        act = start_bulk(
            by=by_alice, now=NOW, subject="people", kind="field", params=params, rows=Person.objects.all(), expected=2
        )
        assert (act.changed, act.blocked) == (1, {"has another value, which stays": 1})
        ana.refresh_from_db()
        assert (ana.lawful_basis, ana.lawful_basis_at, ana.lawful_basis_note) == (
            "Legitimate interest",
            NOW,
            "Fair 2026",
        )
        entry = BasisEntry.objects.get()
        assert (entry.person_id, entry.source, entry.member_id) == (ana.pk, "bulk action", by_alice.member.pk)
    with workspace_scope(acme.pk):
        make_person("Bare Ana", email="bare@lumen.example")
    run_import(acme, "people", "email,lawful_basis,lawful_basis_at,lawful_basis_note\nbare@lumen.example,einwilligung,2026-02-01,Card at the fair\ntom@lumen.example,LI,2026-02-02,Other\nnew@lumen.example,LI,,\n")  # fmt: skip
    with workspace_scope(acme.pk):
        tom.refresh_from_db()
        assert (tom.lawful_basis, tom.lawful_basis_note) == ("Contract", "")  # what was said first stays, its words too
        ana = Person.objects.get(email="bare@lumen.example")
        new = Person.objects.get(email="new@lumen.example")
        assert (ana.lawful_basis, f"{ana.lawful_basis_at:%Y-%m-%dT%H}", ana.lawful_basis_note) == (
            "Consent",
            "2026-01-31T23",  # midnight in Berlin
            "Card at the fair",
        )
        assert (new.lawful_basis, new.lawful_basis_at) == ("Legitimate interest", NOW)
        assert BasisEntry.objects.count() == 3
        nobody = make_person("Bare Ana")
        merge_rows(subject=PEOPLE, kept=nobody, gone=ana, by=by_alice, now=NOW)
        nobody.refresh_from_db()
        assert (nobody.lawful_basis, nobody.lawful_basis_note) == ("Consent", "Card at the fair")
        assert BasisEntry.objects.filter(person=nobody).count() == 1
        assert tom.lawful_basis == "Contract"
