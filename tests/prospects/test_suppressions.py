"""Suppression: by keyed hash, append-only, the newest row decides; survives deletion and import."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.people import create_person, delete_people
from prospects.actions.suppressions import lift, lift_value, suppress, suppress_list
from prospects.models import Activity, Suppression
from prospects.queries.suppressions import in_force, is_suppressed, suppressed_phones, suppressions_of
from tests.factories.prospects import make_person

HTMX = {"HX-Request": "true"}


def add(by: Any, now: Any, value: str, kind: str = "email", reason: str = "manual", **more: Any) -> Suppression:
    return suppress(by=by, now=now, kind=kind, value=value, reason=reason, **more)


def test_an_address_is_kept_as_a_hash_only(in_acme, by_alice, now) -> None:
    row = add(by_alice, now, "Ana@Lumen.example")
    assert (row.hint, len(row.digest)) == ("a…@lumen.example", 64)
    with connection.cursor() as cursor:
        cursor.execute("SELECT prospects_suppression::text FROM prospects_suppression")
        assert "ana@" not in cursor.fetchone()[0].lower()
    assert is_suppressed(["ana@lumen.example", "tom@lumen.example"]) == {"ana@lumen.example"}


def test_a_domain_covers_its_hosts_and_nothing_beside(in_acme, by_alice, now) -> None:
    add(by_alice, now, "lumen.example", kind="domain")
    mails = ["a@lumen.example", "a@mail.lumen.example", "a@notlumen.example", "a@lumen.example.com"]
    assert is_suppressed(mails) == set(mails[:2])


def test_the_newest_row_decides(in_acme, by_alice, now) -> None:
    row = add(by_alice, now, "ana@x.example", reason="unsubscribed")
    lift(by=by_alice, now=now, suppression=row, note="asked for the newsletter again")
    assert is_suppressed(["ana@x.example"]) == set()
    assert not in_force().exists()
    with pytest.raises(Conflict):
        lift(by=by_alice, now=now, suppression=row, note="twice")
    # The lift was at the same instant; a later id wins, so a new objection holds again.
    again = add(by_alice, now, "ana@x.example", reason="objected")
    assert [found.pk for found in in_force()] == [again.pk]
    assert suppressions_of(["ana@x.example"])["ana@x.example"].reason == "objected"
    assert Suppression.objects.count() == 3


def test_told_twice_is_one_row(in_acme, now) -> None:
    first = add(SYSTEM, now, "ana@x.example", reason="bounced")
    assert add(SYSTEM, now, "ANA@x.example", reason="bounced").pk == first.pk
    assert add(SYSTEM, now, "ana@x.example", reason="complained").pk != first.pk


def test_it_survives_deletion_and_a_new_import_of_the_person(in_acme, by_alice, now) -> None:
    person = make_person("Ana", email="ana@x.example")
    add(by_alice, now, "ana@x.example", reason="objected")
    assert Activity.objects.get(person=person).summary == "Suppressed: asked not to be contacted"
    delete_people(by=by_alice, now=now, people=[person])
    create_person(by=by_alice, now=now, first_name="Ana", email="ana@x.example")
    assert is_suppressed(["ana@x.example"]) == {"ana@x.example"}


def test_rows_cannot_be_changed_or_deleted(in_acme, by_alice, now) -> None:
    row = add(by_alice, now, "ana@x.example")
    for statement in ("DELETE FROM prospects_suppression", "UPDATE prospects_suppression SET act = 'lift'"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    with pytest.raises(TypeError):
        row.delete()


def test_phones_and_refused_values(in_acme, by_alice, now) -> None:
    add(by_alice, now, "+351 21 555 0142", kind="phone")
    assert suppressed_phones(["+351215550142", "+351215550143"]) == {"+351215550142"}
    for kind, value in (("email", "nobody"), ("domain", "no dots"), ("phone", "12"), ("pigeon", "x")):
        with pytest.raises(Invalid):
            add(by_alice, now, value, kind=kind)
    with pytest.raises(Conflict):
        lift_value(by=by_alice, now=now, kind="email", value="tom@x.example", note="never was")
    row = in_force().get()
    with pytest.raises(Invalid):
        lift(by=by_alice, now=now, suppression=row, note=" ")


def test_a_bulk_check_takes_one_query_a_batch(in_acme, by_alice, now) -> None:
    add(by_alice, now, "p7@x.example")
    with CaptureQueriesContext(connection) as captured:
        assert is_suppressed([f"p{number}@x.example" for number in range(500)]) == {"p7@x.example"}
    assert len(captured) == 1


def test_the_same_address_has_another_hash_in_another_workspace(in_acme, globex, by_alice, now) -> None:
    row = add(by_alice, now, "ana@x.example")
    with workspace_scope(globex.pk):
        assert is_suppressed(["ana@x.example"]) == set()
        assert suppress(by=SYSTEM, now=now, kind="email", value="ana@x.example", reason="manual").digest != row.digest


def test_a_list_is_read_line_by_line_and_nothing_is_dropped_silently(in_acme, by_alice, now) -> None:
    add(by_alice, now, "old@x.example")
    lines = [
        "email;name",
        "ana@x.example;Ana",
        "ANA@x.example",
        "kite.example",
        "",
        "old@x.example",
        "no address @",
        '"tom@x.example",1',
    ]
    result = suppress_list(by=by_alice, now=now, lines=lines, reason="imported", note="from the old tool")
    assert (result.added, result.already) == (3, 1)
    assert [(number, text) for number, text, _ in result.refused] == [(7, "no address @")]
    assert is_suppressed(["ana@x.example", "any@kite.example", "tom@x.example"]) == {
        "ana@x.example",
        "any@kite.example",
        "tom@x.example",
    }
    assert AuditEntry.objects.get(action="suppression.imported").detail["added"] == 3


def test_pages_add_check_lift_import_export(alice, as_, acme) -> None:
    client = as_(alice)
    with workspace_scope(acme.pk):
        make_person("Ana", email="ana@x.example")
    done = client.post(
        "/w/acme/suppressions/new/", {"kind": "email", "value": "ana@x.example", "reason": "objected", "note": "=1+1"}
    )
    assert done.status_code == 302
    html = client.get("/w/acme/suppressions/?check=ANA@x.example").content.decode()
    assert "a…@x.example" in html
    assert "asked not to be contacted" in html
    assert "may be contacted" in client.get("/w/acme/suppressions/?check=tom@x.example").content.decode()
    assert "cannot be checked" in client.get("/w/acme/suppressions/?check=tom@").content.decode()
    refused = client.post("/w/acme/suppressions/new/", {"kind": "email", "value": "nobody", "reason": "manual"})
    assert refused.status_code == 422
    upload = SimpleUploadedFile("list.csv", "email\nbj\u00f6rn@kite.example,Bj\u00f6rn\nold.example\n".encode("cp1252"))
    imported = client.post("/w/acme/suppressions/import/", {"file": upload, "lines": "extra@x.example", "note": ""})
    assert "3 added" in imported.content.decode() or "2 added" in imported.content.decode()
    export = client.get("/w/acme/suppressions/export/").content.decode("utf-8-sig").splitlines()
    assert any(
        line.startswith("email,ana@x.example,a…@x.example,objected,") and line.endswith("'=1+1") for line in export
    )
    assert any(
        line.startswith("email,,e…@x.example,imported") for line in export
    )  # nobody here has it: only the mask is left
    with workspace_scope(acme.pk):
        row = in_force().get(reason="objected")
    lift_url = f"/w/acme/suppressions/{row.pk}/lift/"
    assert client.post(lift_url, {"note": ""}).status_code == 422
    assert client.post(lift_url, {"note": "asked for it"}).status_code == 302
    with workspace_scope(acme.pk):
        assert is_suppressed(["ana@x.example"]) == set()


def test_suppressing_from_a_persons_page_leads_back_to_it(alice, as_, acme) -> None:
    sent = {"kind": "email", "value": "ana@x.example", "reason": "objected"}
    here = {**HTMX, "HX-Current-URL": "http://testserver/w/acme/people/?q=ana"}
    assert as_(alice).post("/w/acme/suppressions/new/", sent, headers=here)["HX-Redirect"] == "/w/acme/people/?q=ana"
    elsewhere = {**HTMX, "HX-Current-URL": "https://evil.example/w/acme/"}
    assert (
        as_(alice).post("/w/acme/suppressions/new/", sent, headers=elsewhere)["HX-Redirect"] == "/w/acme/suppressions/"
    )


def test_person_page_shows_the_reason(alice, as_, acme, now) -> None:
    with workspace_scope(acme.pk):
        person = make_person("Ana", email="ana@x.example")
        suppress(by=SYSTEM, now=now, kind="domain", value="x.example", reason="objected", note="by letter")
    html = as_(alice).get(f"/w/acme/people/{person.pk}/").content.decode()
    for words in ("Not to be contacted by e-mail", "the whole domain", "by letter"):
        assert words in html
    assert "Suppress the address" not in html


def test_an_sdr_sees_but_may_not_change(bob, charlie, as_, acme, globex, by_alice, now) -> None:
    with workspace_scope(acme.pk):
        row = add(by_alice, now, "ana@x.example")
    client = as_(bob)
    assert client.get("/w/acme/suppressions/").status_code == 200
    for path in ("new/", "import/", "export/", f"{row.pk}/lift/"):
        assert client.get(f"/w/acme/suppressions/{path}").status_code == 403
    assert client.post(f"/w/acme/suppressions/{row.pk}/lift/", {"note": "x"}).status_code == 403
    assert as_(charlie).post(f"/w/globex/suppressions/{row.pk}/lift/", {"note": "x"}).status_code == 404
    with workspace_scope(acme.pk):
        assert Suppression.objects.count() == 1


def test_api(alice, charlie, api, acme, globex) -> None:
    client = api(alice)

    def post(who: Any, path: str, data: Any) -> Any:
        return who.post(f"/api/v1/suppressions/{path}", data=json.dumps(data), content_type="application/json")

    made = post(client, "", {"value": "Ana@x.example", "reason": "unsubscribed"})
    assert (made.status_code, made.json()["hint"]) == (201, "a…@x.example")
    assert "value" not in made.json()
    checked = post(client, "check/", {"emails": ["ANA@x.example", "tom@x.example", "nonsense"]}).json()
    assert checked == {"suppressed": {"ANA@x.example": "unsubscribed"}, "invalid": ["nonsense"]}
    row = made.json()["id"]
    assert post(api(charlie), f"{row}/lift/", {"note": "x"}).status_code == 404
    assert post(client, f"{row}/lift/", {}).status_code == 400
    assert post(client, f"{row}/lift/", {"note": "asked"}).status_code == 200
    assert client.get("/api/v1/suppressions/").json()["results"] == []
    assert post(client, "", {"value": "nobody"}).json()["error"]["field"] == "value"
