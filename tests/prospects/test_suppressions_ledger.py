"""The ledger as a whole: no plain address in it or beside it, survives deletion and re-import, goes out and comes back."""

import csv
import io
import json
from typing import Any

from django.core.management import call_command
from django.db import connection

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from leadgen.core.tenancy import workspace_scope
from prospects.actions.people import create_person, delete_people
from prospects.actions.suppressions import lift_value, suppress, suppress_list
from prospects.models import Person, Suppression
from prospects.queries.suppressions import in_force, is_suppressed
from tests.factories.prospects import make_person

ANA, TOM = "ana@x.example", "tom@x.example"


def dump(*tables: str) -> str:
    """Every column of every row of these tables that this workspace sees, as text."""
    with connection.cursor() as cursor:
        found = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found).lower()


def test_no_plain_address_in_the_ledger_or_the_audit_log(in_acme: Any, by_alice: Any, now: Any) -> None:
    words = f"550 5.1.1 <{ANA}>: Recipient address rejected: {ANA.upper()} unknown"
    suppress(by=SYSTEM, now=now, kind="email", value=ANA, reason="bounced", note=words)
    suppress(by=by_alice, now=now, kind="phone", value="+351215550142", reason="objected", note="+351215550142 said no")
    suppress_list(by=by_alice, now=now, lines=[TOM], reason="imported", note=f"from {TOM}")
    lift_value(by=by_alice, now=now, kind="email", value=TOM, note=f"{TOM} asked for it")
    nameless = create_person(by=by_alice, now=now, email=ANA)
    delete_people(by=by_alice, now=now, people=[nameless])
    kept = dump("prospects_suppression", "accounts_auditentry")
    assert ANA not in kept
    assert TOM not in kept
    assert "+351215550142" not in kept
    assert "recipient address rejected" in kept  # the server's words stay
    assert AuditEntry.objects.get(action="person.deleted").target_label == "a…@x.example"


def test_deleting_and_importing_again_says_suppressed_and_enrols_nobody(
    alice: Any, acme: Any, as_: Any, now: Any, tmp_path: Any, by_alice: Any
) -> None:
    from campaigns.actions.enrolments import plan_enrolment
    from tests.factories.campaigns import EMAIL, make_mailbox, make_sequence

    with workspace_scope(acme.pk):
        person = make_person("Ana Ferreira", email=ANA)
        suppress(by=SYSTEM, now=now, kind="email", value=ANA, reason="unsubscribed")
        delete_people(by=by_alice, now=now, people=[person])
        assert not Person.objects.exists()
    (tmp_path / "again.csv").write_text(f"First Name,Last Name,Email\nAna,Ferreira,{ANA}\nTom,Okafor,{TOM}\n")
    out = io.StringIO()
    call_command("import_people", str(tmp_path / "again.csv"), "-w", "acme", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert (report["created"], report["suppressed"], report["warnings"]) == (2, 1, 1)
    (issue,) = report["issues"]
    assert (issue["row"], issue["column"], issue["severity"]) == (2, "email", "warning")
    assert issue["message"].startswith("Suppressed: unsubscribed on ")
    with workspace_scope(acme.pk):
        again = Person.objects.get(email=ANA)
        version = make_sequence([EMAIL], mailbox=make_mailbox())
        plan = plan_enrolment(sequence=version.sequence, people=Person.objects.values_list("pk", flat=True))
        assert [found.email for found in plan.eligible] == [TOM]
        assert plan.blocked[again.pk][0] == "suppressed"
        assert plan.blocked[again.pk][1].startswith("Suppressed: unsubscribed")


def exported(client: Any) -> str:
    answer = client.get("/api/v1/suppressions/export/")
    assert answer["Content-Type"].startswith("text/csv")
    return str(answer.content.decode("utf-8-sig"))


def put(client: Any, text: str, **more: Any) -> Any:
    return client.post(
        "/api/v1/suppressions/import/", data=json.dumps({"text": text} | more), content_type="application/json"
    ).json()


def test_an_export_comes_back_where_it_belongs_and_nowhere_else(
    alice: Any, charlie: Any, acme: Any, globex: Any, api: Any, now: Any, by_alice: Any
) -> None:
    client, outsider = api(alice), api(charlie)
    with workspace_scope(acme.pk):
        make_person("Tom Okafor", email=TOM)
        suppress(by=SYSTEM, now=now, kind="email", value=ANA, reason="complained", note="Marked our mail as spam.")
        suppress(by=SYSTEM, now=now, kind="email", value=TOM, reason="unsubscribed")
        suppress(by=SYSTEM, now=now, kind="domain", value="kite.example", reason="manual")
    text = exported(client)
    rows = {row["masked"]: row for row in csv.DictReader(io.StringIO(text))}
    assert (rows["a…@x.example"]["address"], rows["t…@x.example"]["address"]) == ("", TOM)
    assert ANA not in text
    # Everything is freed, and the file puts it back: with its reason and words, without anybody knowing the address.
    with workspace_scope(acme.pk):
        for kind, value in (("email", ANA), ("email", TOM), ("domain", "kite.example")):
            lift_value(by=by_alice, now=now, kind=kind, value=value, note="test")
        assert is_suppressed([ANA, TOM, "x@kite.example"]) == set()
    assert put(client, text) == {"added": 3, "already": 0, "refused": []}
    assert put(client, text) == {"added": 0, "already": 3, "refused": []}
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA, TOM, "x@kite.example"]) == {ANA, TOM, "x@kite.example"}
        back = in_force().get(reason="complained")
        assert (back.hint, back.note) == ("a…@x.example", "Marked our mail as spam.")
    # Elsewhere the hashes mean nothing, and it says so; plain addresses and domains are taken.
    abroad = put(outsider, text)
    assert (abroad["added"], len(abroad["refused"])) == (2, 1)
    assert "exported from another workspace" in abroad["refused"][0]["why"]
    with workspace_scope(globex.pk):
        assert is_suppressed([ANA, TOM]) == {TOM}


def test_who_may_export_and_import(bob: Any, alice: Any, api: Any, acme: Any) -> None:
    sdr = api(bob)
    assert sdr.get("/api/v1/suppressions/export/").status_code == 403
    body = json.dumps({"text": ANA})
    answer = sdr.post("/api/v1/suppressions/import/", data=body, content_type="application/json")
    assert answer.status_code == 403
    with workspace_scope(acme.pk):
        assert not Suppression.objects.exists()
    wrong = put(api(alice), f"{ANA}\nno address @\n")
    assert (wrong["added"], [(row["line"], row["text"]) for row in wrong["refused"]]) == (1, [(2, "no address @")])


def test_the_command_takes_it_out_and_back(acme: Any, now: Any, tmp_path: Any, by_alice: Any) -> None:
    with workspace_scope(acme.pk):
        suppress(by=SYSTEM, now=now, kind="email", value=ANA, reason="objected")
    file, out = str(tmp_path / "ledger.csv"), io.StringIO()
    call_command("suppressions", "export", file, "-w", "acme", "--json", stdout=out)
    assert json.loads(out.getvalue())["rows"] == 1
    with workspace_scope(acme.pk):
        lift_value(by=by_alice, now=now, kind="email", value=ANA, note="test")
    call_command("suppressions", "import", file, "-w", "acme", stdout=out)
    assert "added: 1" in out.getvalue()
    with workspace_scope(acme.pk):
        assert is_suppressed([ANA]) == {ANA}
        assert set(AuditEntry.objects.values_list("action", "source")) >= {
            ("suppression.exported", "command"), ("suppression.imported", "command"),
        }  # fmt: skip
