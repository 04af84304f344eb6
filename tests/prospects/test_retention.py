"""Retention rules: off by default, counted before, people noticed and kept, small batches, a log."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from campaigns.actions.steps import pause_enrolment
from leadgen.core.tenancy import workspace_scope
from prospects.actions.retention import run_lane, set_rule
from prospects.models import (
    Consent,
    Erasure,
    ImportFile,
    ImportIssue,
    Person,
    RetentionNotice,
    RetentionRule,
    RetentionRun,
)
from prospects.rules.retention import KINDS
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, make_enrolment, make_sequence
from tests.factories.prospects import make_activity, make_lead, make_person
from tests.prospects.imports import run as run_import

pytestmark = pytest.mark.django_db

OLD = NOW - timedelta(days=800)


def test_a_cutoff_keeps_to_the_calendar() -> None:
    assert KINDS["people"].cutoff(12, NOW.replace(month=2, day=28)).isoformat()[:10] == "2025-02-28"
    assert KINDS["people"].cutoff(1, NOW.replace(month=3, day=31)).isoformat()[:10] == "2026-02-28"
    assert KINDS["audit"].cutoff(2, NOW.replace(year=2024, month=2, day=29)).isoformat()[:10] == "2022-02-28"
    assert (NOW - KINDS["hits"].cutoff(30, NOW)).days == 30


@time_machine.travel(NOW, tick=False)
def test_people_are_noticed_kept_spared_and_erased(acme, alice, bob, as_, api) -> None:
    with workspace_scope(acme.pk):
        names = ("quiet", "kept", "busy", "agreed", "lead", "young", "edited", "paused")
        people = {n: make_person(f"{n.title()} Person", created_at=NOW if n == "young" else OLD) for n in names}
        make_activity(people["busy"], kind="replied", at=NOW)
        make_activity(people["edited"], kind="edited", at=NOW)
        make_lead(people["lead"])
        enrolment = make_enrolment(make_sequence([EMAIL], mailbox=None), people["paused"], mailbox=None)
        pause_enrolment(enrolment=enrolment, reason="on leave", by=SYSTEM, now=NOW)
        Consent.objects.create(person=people["agreed"], text="x", given=True, at=OLD, source="Fair")
    url = "/w/acme/privacy/retention/people/"
    page = as_(alice).get(url).content.decode()
    assert ">3</b> people" in page  # off, and counted
    rows = as_(alice).get(f"{url}rows/?period=24&keeps=consent").content.decode()
    assert [n for n in names if f"{n.title()} Person" in rows] == ["quiet", "kept", "edited"]
    assert as_(bob).post(url, {"is_active": "on", "period": 24, "grace_days": 30}).status_code == 403
    wrong = as_(alice).post(url, {"is_active": "on", "period": 1, "grace_days": 30})
    assert wrong.status_code == 422
    # What could not be saved is not counted either, however absurd.
    for period in (0, 10**9):
        absurd = as_(alice).post(url, {"period": period, "grace_days": 30, "preview": "1"})
        assert absurd.status_code == 422 and "From 3 to 120 months." in absurd.content.decode()
        assert ">3</b> people" in absurd.content.decode()
    with workspace_scope(acme.pk):
        assert not RetentionRule.objects.exists()
    assert run_lane(acme.pk, now=NOW) is None
    preview = as_(alice).post(url, {"is_active": "on", "period": 24, "grace_days": 30, "preview": "1"}).content.decode()
    assert ">4</b> people" in preview  # without the consent
    as_(alice).post(url, {"is_active": "on", "period": 24, "grace_days": 30, "keeps": ["consent"]})
    assert run_lane(acme.pk, now=NOW) == NOW + timedelta(days=1)
    listed = as_(bob).get("/w/acme/privacy/notices/").content.decode()
    assert "3 Apr 2026" in listed
    with workspace_scope(acme.pk):
        assert Person.objects.count() == 8
        notice = RetentionNotice.objects.get(person=people["kept"])
    assert api(bob).post(f"/api/v1/retention-notices/{notice.pk}/keep/").status_code == 200
    over = NOW + timedelta(days=31)
    with workspace_scope(acme.pk):
        make_activity(people["edited"], kind="replied", at=over)
    run_lane(acme.pk, now=over)
    with workspace_scope(acme.pk):
        assert not Person.objects.filter(pk=people["quiet"].pk).exists()
        assert Person.objects.count() == 7
        assert [n.person_id for n in RetentionNotice.objects.all()] == [people["kept"].pk]
        erasure = Erasure.objects.get()
        assert (erasure.cause, erasure.people, erasure.suppressed) == ("retention", 1, 0)
        runs = RetentionRun.objects.order_by("at").values_list("noticed", "spared", "done")
        assert list(runs) == [(3, 0, 0), (0, 1, 1)]
        assert AuditEntry.objects.filter(action="retention.ran").count() == 2
    # Turned off, notices go.
    api(alice).put(
        "/api/v1/retention-rules/people/", {"is_active": False, "period": 24, "keeps": []}, "application/json"
    )
    assert run_lane(acme.pk, now=over) is None


def test_files_and_the_log_go_by_age(acme, alice, by_alice, api) -> None:
    made = run_import(acme, "people", "email,first_name\nana@lumen.example,Ana\nwrong,Tom\n", now=NOW)
    with workspace_scope(acme.pk):
        assert ImportIssue.objects.exclude(cells=[]).exists()
        for age in (10, 5):
            AuditEntry.objects.create(at=NOW - timedelta(days=365 * age), source="user", action="x.y")
        set_rule(kind="files", by=by_alice, now=NOW, is_active=True, period=30)
        set_rule(kind="audit", by=by_alice, now=NOW, is_active=True, period=7)
    listed: Any = {row["kind"]: row for row in api(alice).get("/api/v1/retention-rules/").json()}
    assert (listed["audit"]["is_active"], listed["hits"]["is_active"], listed["people"]["due"]) == (True, False, 0)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        assert ImportFile.objects.exists()
        assert AuditEntry.objects.filter(action="x.y").count() == 1
        run_lane(acme.pk, now=NOW + timedelta(days=31))
        assert not ImportFile.objects.exists()
        assert not ImportIssue.objects.exclude(cells=[]).exists()
        made.refresh_from_db()
        assert (made.state, made.created_count, made.samples) == ("done", 1, [])
        # The database itself keeps the last year, whoever asks.
        with pytest.raises(DatabaseError, match="rows of the last year stay"), transaction.atomic():
            connection.cursor().execute("SELECT leadgen_forget('accounts_auditentry', 'at', now(), 9)")
        with pytest.raises(DatabaseError, match="do not go by age"), transaction.atomic():
            connection.cursor().execute("SELECT leadgen_forget('prospects_activity', 'at', now(), 9)")


def test_texts_of_mail_and_addresses_of_clicks(acme, alice, by_alice) -> None:
    from campaigns.models import InboundMail, LinkHit, Message
    from tests.factories.campaigns import make_mailbox

    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        mail = {"mailbox": mailbox, "kind": "reply", "subject": "Re", "text": "Yes please", "intent": "interested"}
        for day, name in ((OLD, "old"), (NOW, "new")):
            InboundMail.objects.create(**mail, digest=name, received_at=day)
        message = Message.objects.create(kind="manual", state="sent", mailbox=mailbox, to_address="a@x.example", subject="Hi", text="Hi", due_at=OLD, created_at=OLD)  # fmt: skip
        for day in (OLD, NOW):
            LinkHit.objects.create(message=message, at=day, method="GET", ip="203.0.113.9", user_agent="Mozilla")
        for kind, period in (("mail", 12), ("hits", 30)):
            set_rule(kind=kind, by=by_alice, now=NOW, is_active=True, period=period)
    run_lane(acme.pk, now=NOW)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        found = InboundMail.objects.order_by("received_at").values_list("text", "intent", "digest")
        assert list(found) == [("[erased]", "interested", "old"), ("Yes please", "interested", "new")]
        assert list(LinkHit.objects.order_by("at").values_list("ip", "user_agent")) == [(None, "Mozilla"), ("203.0.113.9", "Mozilla")]  # fmt: skip
        assert RetentionRun.objects.count() == 2  # the second turn found nothing more
