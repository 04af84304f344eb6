"""Erasing a person: nothing of them is left anywhere, figures stay, and nothing brings them back."""

from typing import Any

import pytest
import time_machine
from django.db import connection, models

from accounts.models import AuditEntry, Member
from campaigns.models import Enrolment, Message
from leadgen.core import lanes
from leadgen.core.erasing import holds_words
from leadgen.core.errors import Conflict
from leadgen.core.tenancy import AppendOnlyModel, current_workspace_id, tenant_models, workspace_scope
from prospects.actions.erasure import AGAIN, LANE, start_erasure
from prospects.actions.erasure_sweep import run_lane
from prospects.actions.imports import run_due_imports
from prospects.actions.imports_undo import request_undo
from prospects.actions.merges import merge_rows
from prospects.actions.people import create_person, update_person
from prospects.models import (
    Activity,
    Erasure,
    ImportFile,
    ImportMemo,
    Lead,
    Merge,
    Person,
    StageTransition,
    Suppression,
    Task,
)
from prospects.queries.duplicates import PEOPLE
from prospects.queries.suppressions import is_suppressed
from prospects.rules.erasure import IDENTITY
from tests.conftest import NOW
from tests.every import world
from tests.factories.campaigns import EMAIL as MAIL
from tests.factories.campaigns import make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_activity, make_company, make_lead, make_person, make_task
from tests.prospects.imports import run as run_import

pytestmark = pytest.mark.django_db

NAME, EMAIL, PHONE = "Zyxqa Wvutski", "zyxqa@wvutski.example", "+4915112345678"
PLANTED = f"{NAME} <{EMAIL}>, {PHONE} and 0151 1234-5678"
# Columns of ledgers that only ever hold a word of ours, or a hash: nobody's name gets there, so nothing takes it out.
CODES = {
    "accounts.AuditEntry": {"source", "action", "target_type"}, "campaigns.DomainCheck": {"name"},
    "campaigns.HitVerdict": {"hit_class"}, "campaigns.LinkHit": {"method"}, "prospects.Activity": {"about_type"},
    "prospects.EnrichmentCharge": {"currency"}, "prospects.PointEntry": {"rule"}, "prospects.StageTransition": {"source"},
    "prospects.Suppression": {"digest"},
}  # fmt: skip

# What really stands there: the vocabulary has single words, of a mail host its domain is known; a sealed column is no text.
OWN: dict[tuple[str, str], Any] = {
    ("prospects.SearchWord", "word"): "WVUTSKI", ("prospects.SearchWord", "keys"): ["WVUTSKI"],
    ("prospects.MailHost", "domain"): "wvutski.example", ("prospects.Erasure", "sealed"): "",
}  # fmt: skip


def test_every_column_of_a_ledger_forgets_or_is_known_to_hold_codes_only() -> None:
    found = {
        model._meta.label: {
            f.name for f in model._meta.concrete_fields if holds_words(f) and f.name not in getattr(model, "erasable", ())
        }
        for model in tenant_models()
        if issubclass(model, AppendOnlyModel)
    }  # fmt: skip
    assert {label: columns for label, columns in found.items() if columns} == CODES


def planted(field: Any, mark: str) -> Any:
    """In place of tests.every.world's values: the person's name, address and number wherever they fit."""
    label = field.model._meta.label
    if not holds_words(field) and not isinstance(field, models.BinaryField):
        return value_of(field, mark)
    if (label, field.name) in OWN:
        return OWN[label, field.name]
    if field.name in IDENTITY.get(label, ()) or field.name in CODES.get(label, ()):
        return value_of(field, "other")
    if isinstance(field, models.BinaryField):
        return f"name;mail\r\n{NAME};{EMAIL}".encode("utf-16")
    if isinstance(field, models.JSONField):
        return (
            [[mark, {"of": PLANTED}], PLANTED]
            if field.has_default() and field.get_default() == []
            else {"of": [PLANTED], PLANTED: 1}
        )
    limit = (field.base_field if hasattr(field, "base_field") else field).max_length or 200
    text = next((text for text in (PLANTED, EMAIL, NAME, PHONE) if len(text) <= limit), "x")
    return [text] if hasattr(field, "base_field") else text


value_of = world._value


def plant(member: Member, made: dict[Any, Any]) -> None:
    """One row of every table, each pointing at the others as far as that can be."""
    waiting = [model for model in tenant_models() if model not in made]
    while waiting:
        ready = [m for m in waiting if world._targets(m, required=False) <= made.keys()]
        ready = ready or [next(m for m in waiting if world._targets(m, required=True) <= made.keys())]
        for model in ready:
            made[model] = world._make(model, made, "mark")
        waiting = [model for model in waiting if model not in made]


def places_of(*words: str) -> list[str]:
    """table.column wherever one of these words stands in this workspace, in any column of any table that has one."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.udt_name FROM information_schema.columns c"
            " JOIN information_schema.columns w USING (table_schema, table_name)"
            " WHERE c.table_schema = 'public' AND w.column_name = 'workspace_id'"
            " AND c.udt_name IN ('text', 'varchar', 'jsonb', 'bytea', '_text', '_varchar', 'inet') ORDER BY 1, 2"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(
                f"SELECT count(*) FROM {table} WHERE workspace_id = %s AND {text} ~* %s",
                [current_workspace_id(), "|".join(words)],
            )
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


def run_all(now: Any = NOW) -> None:
    while lane := lanes.take(kind=LANE, now=now):
        lanes.move_on(lane, next_due=run_lane(lane, clock=lambda: now))


def test_nothing_of_the_person_is_left_in_any_column_of_any_table(acme, alice, by_alice, monkeypatch) -> None:
    monkeypatch.setattr(world, "_value", planted)
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
        ana = make_person(
            NAME, lumen, email=EMAIL, phone=PHONE, linkedin_url="https://www.linkedin.com/in/zyxqa-wvutski/", source=PLANTED,
            custom={"assistant_of": PLANTED},
        )  # fmt: skip
        tom = make_person("Tom Okafor", lumen, phone="+49151987654321")
        note = make_activity(tom, summary=f"Spoke to {NAME}", detail={"text": f"Ask {EMAIL} or\nring 0151/12345678; not +49151987654321."})  # fmt: skip
        plant(alice.member, {Member: alice.member, Person: ana, type(lumen): lumen})
        before = places_of("wvutski", "zyxqa", "12345678")
        assert len(before) > 150, "the test plants the name everywhere"
        facts = (
            Message.objects.count(),
            Lead.objects.count(),
            StageTransition.objects.count(),
            Activity.objects.count(),
        )
        erasure = start_erasure(people=[ana], by=by_alice, now=NOW, reference="Ticket 17")
    run_all()
    with workspace_scope(acme.pk):
        erasure.refresh_from_db()
        assert erasure.state == Erasure.State.DONE
        left = places_of("wvutski", "zyxqa", "12345678")
        assert not left, "\n".join(left)
        # Facts stay, about nobody; and nobody else lost a word.
        now = (
            Message.objects.count(),
            Lead.objects.count(),
            StageTransition.objects.count(),
            Activity.objects.count() - 1,
        )
        assert now == facts  # one more: that the sequence stopped
        note.refresh_from_db()
        assert note.summary == "Spoke to [erased]"
        assert note.detail == {"text": "Ask [erased] or\nring [erased]; not +49151987654321."}
        tom.refresh_from_db()
        assert (tom.full_name, tom.phone) == ("Tom Okafor", "+49151987654321")
        assert is_suppressed([EMAIL]) == {EMAIL}
        assert erasure.removed["people"] == 1
        assert erasure.emptied["e-mails sent or planned"] == 1
        assert erasure.mentions["activities"] >= 1
        assert (erasure.sealed, erasure.person_ids) == ("", [])


@time_machine.travel(NOW, tick=False)
def test_figures_stay_and_planned_mail_is_blocked_first(acme, alice, bob, by_alice, as_) -> None:
    with workspace_scope(acme.pk):
        ana = create_person(by=by_alice, now=NOW, name=NAME, email="old@wvutski.example", phone=PHONE)
        update_person(by=by_alice, now=NOW, person=ana, changes={"email": EMAIL})
        lead = make_lead(ana)
        mailbox = make_mailbox()
        enrolment = make_enrolment(make_sequence([MAIL], mailbox=mailbox), ana, mailbox=mailbox)
        mail = {"enrolment": enrolment, "person": ana, "mailbox": enrolment.mailbox, "to_address": EMAIL, "subject": "Hi Zyxqa", "text": "Dear Ms Wvutski", "due_at": NOW, "created_at": NOW, "kind": "manual"}  # fmt: skip
        planned = Message.objects.create(**mail)
        sent = Message.objects.create(**mail, state="sent", message_id="m1", sent_at=NOW)
        make_task(f"Call {NAME}", person=ana)
        other = make_person("Tom Okafor")
        audit = AuditEntry.objects.create(at=NOW, source="user", action="x.y", target_label="y", detail={"who": EMAIL})
    page = as_(bob).get(f"/w/acme/people/{ana.pk}/erase/")
    assert page.status_code == 403
    assert as_(bob).post(f"/w/acme/people/{ana.pk}/erase/").status_code == 403
    page = as_(alice).get(f"/w/acme/people/{ana.pk}/erase/").content.decode()
    assert 'Tasks: <b class="num">1</b>' in page
    assert as_(alice).post(f"/w/acme/people/{ana.pk}/erase/", {"reference": "mail of ana@x.example", "suppress": "on"}).status_code == 422  # fmt: skip
    with workspace_scope(acme.pk):
        assert Person.objects.filter(pk=ana.pk).exists()
        assert Message.objects.get(pk=planned.pk).state == "planned"
    assert as_(alice).post(f"/w/acme/people/{ana.pk}/erase/", {"reference": "Ticket 17", "suppress": "on"}).status_code in (200, 302)  # fmt: skip
    run_all()
    with workspace_scope(acme.pk):
        erasure = Erasure.objects.get()
        assert (erasure.state, erasure.suppressed) == ("done", 2)
        assert places_of("wvutski", "zyxqa", "12345678") == []
        assert set(Message.objects.values_list("pk", "state")) == {(planned.pk, "blocked"), (sent.pk, "sent")}
        assert not Enrolment.objects.exists()
        assert Lead.objects.get() == lead
        assert not Task.objects.exists()
        assert Person.objects.get() == other
        audit.refresh_from_db()
        assert audit.detail == {"who": "[erased]"}
        assert {"erasure.asked", "erasure.done"} <= set(AuditEntry.objects.values_list("action", flat=True))
        row = Suppression.objects.filter(kind="email").latest("at")
        assert (row.reason, row.hint) == ("erased", "erased")
    certificate = as_(alice).get(f"/w/acme/privacy/erasures/{erasure.pk}/").content.decode()
    assert "Ticket 17" in certificate and "1 addresses" not in certificate
    assert "1 person" in as_(alice).get("/w/acme/privacy/").content.decode()


def test_a_mail_on_its_way_is_waited_for(acme, alice, by_alice) -> None:
    later = NOW
    with workspace_scope(acme.pk):
        ana = make_person(NAME, email=EMAIL)
        mailbox = make_mailbox()
        enrolment = make_enrolment(make_sequence([MAIL], mailbox=mailbox), ana, mailbox=mailbox)
        flying = Message.objects.create(
            enrolment=enrolment, person=ana, mailbox=enrolment.mailbox, to_address=EMAIL, subject="Hi", text="Hi", due_at=NOW,
            created_at=NOW, kind="manual", state="unknown", reason_code="submitted", submitted_at=NOW,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("UPDATE campaigns_message SET lease_until = clock_timestamp() + interval '1 hour'")
        erasure = start_erasure(people=[ana], by=by_alice, now=NOW)
        assert (erasure.state, Person.objects.count()) == ("waiting", 1)
        assert Enrolment.objects.get().state == "stopped"
        with pytest.raises(Conflict):
            start_erasure(people=[ana], by=by_alice, now=NOW)
    run_all(NOW + AGAIN)
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 1
        Message.objects.filter(pk=flying.pk).update(state="sent", reason_code="", lease_until=None, sent_at=later)
    run_all(NOW + 2 * AGAIN)
    with workspace_scope(acme.pk):
        assert not Person.objects.exists()
        assert (Message.objects.get().state, Message.objects.get().to_address) == ("sent", "[erased]")
        assert Erasure.objects.get().state == "done"


@time_machine.travel(NOW, tick=False)
def test_no_undo_brings_somebody_back_and_an_import_says_suppressed(acme, alice, by_alice, api) -> None:
    mail = "zyxqa.wvutski@lumen.example"
    with workspace_scope(acme.pk):
        kept, gone = make_person(NAME, email=mail), make_person("Zyxqa W. Wvutski", email="zw@lumen.example")
        merge = merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=by_alice, now=NOW)
    made = run_import(acme, "people", f"email,first_name,last_name,city\n{mail},Zyxqa,Wvutski,Porto\ntom@x.example,Tom,Okafor,Porto\n")  # fmt: skip
    assert (made.created_count, made.updated_count) == (1, 1)
    with workspace_scope(acme.pk):
        assert ImportMemo.objects.filter(record_id=kept.pk).exists()
    client = api(alice)
    found = client.post(f"/api/v1/people/{kept.pk}/erase/", {"reference": "T 18"}, "application/json")
    assert (found.status_code, found.json()["state"]) == (202, "sweeping")
    run_all()
    with workspace_scope(acme.pk):
        assert places_of("wvutski", "zyxqa") == []
        assert not Merge.objects.filter(pk=merge.pk).exists()
        assert not ImportFile.objects.exists() and not ImportMemo.objects.filter(record_id=kept.pk).exists()
        request_undo(run=made, by=by_alice, now=NOW)
    run_due_imports(workspace_id=acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        assert not Person.objects.exists()  # Tom was made by it and went with it; nobody came back
    again = run_import(acme, "people", f"email,first_name,last_name\n{mail},Zyxqa,Wvutski\n")
    assert again.settings["suppressed"] == 1
    answer = client.get("/api/v1/erasures/").json()["results"][0]
    assert (answer["people"], answer["state"], answer["reference"]) == (1, "done", "T 18")
