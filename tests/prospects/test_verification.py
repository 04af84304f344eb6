"""Addresses are verified in the background against a name server on loopback; news makes people out of date."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry
from campaigns.queries.verdicts import block_of_person
from leadgen.core import lanes
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions import verification
from prospects.actions.activities import record_activity
from prospects.actions.people import create_person, update_person
from prospects.actions.verification import ask_verification, confirm_person, look, run_lane
from prospects.models import BulkAct, MailHost, Person, Verification
from prospects.queries import people
from prospects.queries.verification import is_waiting, reasons_of
from tests.conftest import NOW
from tests.dns_server import DnsServer, dns_server
from tests.factories.prospects import make_company, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any) -> Iterator[DnsServer]:
    with dns_server() as found:
        settings.DNS_SERVERS = [f"127.0.0.1:{found.port}"]
        found.add("lumen-robotics.com", "MX", "5 aspmx.l.google.com.")
        found.add("aspmx.l.google.com", "A", "192.0.2.1")
        found.add("null.lumen-robotics.com", "MX", "0 .")
        yield found


def looked(workspace: Any, now: Any) -> verification.Look:
    return look(workspace.pk, now=now, ask=verification.asking())


def verdicts() -> dict[str, tuple[str, list[str]]]:
    return {row.email: (row.email_status, row.email_checks) for row in Person.objects.exclude(email="")}


def test_everybody_new_is_judged_once_and_domains_are_asked_once(in_acme, now, server) -> None:
    for email in ("ana@lumen-robotics.com", "tom@lumen-robotics.com", "info@lumen-robotics.com", "mei@gone-for-good.com",
                  "eva@null.lumen-robotics.com", "dana@kite.example", ""):  # fmt: skip
        make_person(email=email)
    done = looked(in_acme, now)
    assert (done.judged, done.asked) == (7, 4)
    assert verdicts() == {
        "ana@lumen-robotics.com": ("unknown", ["unproven"]),
        "tom@lumen-robotics.com": ("unknown", ["unproven"]),
        "info@lumen-robotics.com": ("risky", ["role"]),
        "mei@gone-for-good.com": ("invalid", ["no_domain"]),
        "eva@null.lumen-robotics.com": ("invalid", ["null_mx"]),
        "dana@kite.example": ("unknown", ["reserved"]),
    }
    mei = Person.objects.get(email="mei@gone-for-good.com")
    assert (mei.email_status_at, mei.email_status_reason) == (now, "The domain gone-for-good.com does not exist")
    assert mei.updated_at < now  # no fact of theirs changed
    verdict = block_of_person(mei)
    assert verdict is not None
    assert (verdict.code, "does not exist" in verdict.reason) == ("address_bad", True)
    assert ("kite.example", "MX") not in server.asked
    # A second look finds nothing to do, and asks nobody.
    asked = len(server.asked)
    again = looked(in_acme, now + timedelta(minutes=5))
    assert (again.judged, again.written, len(server.asked)) == (0, 0, asked)
    # Rules ask for it.
    rule = {"all": [{"field": "person.email_checks", "op": "has_any", "value": ["role"]}, {"field": "person.email_status", "op": "is", "value": "risky"}]}  # fmt: skip
    assert [row.email for row in people.matching(rule, now=now)] == ["info@lumen-robotics.com"]


def test_a_new_address_is_judged_anew_and_old_proof_is_not_its(in_acme, now, by_alice, server) -> None:
    person = create_person(by=by_alice, now=now, name="Ana Ferreira", email="ana@lumen-robotics.com")
    assert is_waiting(person, now)
    looked(in_acme, now)
    # Whoever was met, or typed the address into a form, has shown nothing of the mailbox.
    for kind in ("meeting_held", "form_submitted"):
        record_activity(kind=kind, at=now, now=now + timedelta(minutes=30), person=person, summary="Met")
    looked(in_acme, now + timedelta(minutes=40))
    assert verdicts() == {"ana@lumen-robotics.com": ("unknown", ["unproven"])}
    record_activity(kind="replied", at=now, now=now + timedelta(hours=1), person=person, summary="Replied")
    looked(in_acme, now + timedelta(hours=2))
    assert verdicts() == {"ana@lumen-robotics.com": ("valid", ["answered"])}
    later = now + timedelta(days=1)
    person.refresh_from_db()
    update_person(by=by_alice, now=later, person=person, changes={"email": "ana@gone-for-good.com"})
    looked(in_acme, later)
    assert verdicts() == {"ana@gone-for-good.com": ("invalid", ["no_domain"])}
    # An import changes it without a line in the ledger: what came before says nothing of the new one either.
    Person.objects.update(email="ana.f@lumen-robotics.com", email_status="unknown", email_status_at=None, updated_at=later + timedelta(hours=1))  # fmt: skip
    looked(in_acme, later + timedelta(hours=2))
    assert verdicts() == {"ana.f@lumen-robotics.com": ("unknown", ["unproven"])}
    assert Verification.objects.get().since == later


def test_what_others_know_stays_and_news_makes_somebody_out_of_date(in_acme, now, by_alice, server) -> None:
    ana = make_person("Ana Ferreira", email="ana@lumen-robotics.com")
    tom = make_person("Tom Okafor", email="tom@lumen-robotics.com")
    looked(in_acme, now)
    # As campaigns records them: a hard bounce, and "no longer with the company".
    later = now + timedelta(hours=1)
    Person.objects.filter(pk=ana.pk).update(email_status="bounced", email_status_at=later, email_status_reason="550 no such user")  # fmt: skip
    record_activity(kind="bounced", at=later, now=later, person=ana, summary="Bounced", hit_class="automated")
    Person.objects.filter(pk=tom.pk).update(email_status="invalid", email_status_at=later, email_status_reason="Left the company")  # fmt: skip
    record_activity(kind="auto_replied", at=later, now=later, person=tom, summary="Left the company", hit_class="automated", key="left:1")  # fmt: skip
    done = looked(in_acme, later + timedelta(minutes=5))
    assert done.judged == 2
    assert verdicts() == {
        "ana@lumen-robotics.com": ("bounced", ["bounced"]), "tom@lumen-robotics.com": ("invalid", ["stated_invalid"]),
    }  # fmt: skip
    ana.refresh_from_db()
    tom.refresh_from_db()
    assert (ana.email_status_at, ana.email_status_reason) == (later, "550 no such user")
    assert (ana.stale_signal, tom.stale_signal) == ("bounced", "left")
    assert reasons_of(tom, later) == ["Left the company (4 Mar 2026). Find where they work now, or delete them."]
    # Looked at again for its own sake it stays so, with its day.
    ask_verification(ids=[ana.pk, tom.pk], by=by_alice, now=later + timedelta(days=60))
    looked(in_acme, later + timedelta(days=60))
    tom.refresh_from_db()
    assert (tom.email_status, tom.email_status_at, tom.stale_signal) == ("invalid", later, "left")
    # Somebody looked: not out of date, and the address is still what it is.
    confirm_person(person=tom, by=by_alice, now=later + timedelta(days=61))
    looked(in_acme, later + timedelta(days=61))
    tom.refresh_from_db()
    assert (tom.stale_signal, tom.email_status) == ("", "invalid")
    # A year later nobody has confirmed them.
    assert reasons_of(tom, later + timedelta(days=61 + 400))[0].startswith(
        "Nobody confirmed or changed these facts for 13"
    )


def test_a_new_employer_without_a_new_address_is_doubted(in_acme, now, by_alice, server) -> None:
    lumen, kite = make_company("Lumen"), make_company("Kite")
    ana = make_person("Ana Ferreira", lumen, email="ana@lumen-robotics.com", title="Buyer")
    update_person(by=by_alice, now=now, person=ana, changes={"company": kite})
    looked(in_acme, now)
    ana.refresh_from_db()
    assert (ana.stale_signal, ana.stale_at) == ("moved", now)
    update_person(by=by_alice, now=now + timedelta(days=1), person=ana, changes={"email": "ana@kite.example"})
    looked(in_acme, now + timedelta(days=1))
    ana.refresh_from_db()
    assert ana.stale_signal == ""


def test_a_silent_name_server_says_nothing_and_is_asked_again(in_acme, now, server, settings) -> None:
    server.failing |= {"lumen-robotics.com"}
    person = make_person(email="ana@lumen-robotics.com")
    looked(in_acme, now)
    assert verdicts() == {"ana@lumen-robotics.com": ("unknown", ["no_answer"])}
    server.failing.clear()
    assert looked(in_acme, now + timedelta(minutes=30)).judged == 0
    assert looked(in_acme, now + timedelta(minutes=61)).judged == 1
    assert verdicts() == {"ana@lumen-robotics.com": ("unknown", ["unproven"])}
    assert Verification.objects.get(person=person).due_at == now + timedelta(minutes=61, days=90)
    # Nobody answers anywhere: a few are waited for, not all.
    asked: list[str] = []

    def silent(domain: str) -> Any:
        asked.append(domain)
        return verification.rules.Host("silent")

    found = verification.ask_all([f"c{n}.com" for n in range(1000)], silent)
    assert (len(found), len(asked)) == (1000, 128)


def test_the_worker_goes_from_workspace_to_workspace(acme, globex, by_alice, server, now) -> None:
    for workspace in (acme, globex):
        with workspace_scope(workspace.pk):
            create_person(by=by_alice if workspace is acme else SYSTEM, now=now, email="ana@lumen-robotics.com")  # fmt: skip
    seen = set()
    while lane := lanes.take(kind=verification.LANE, now=now):
        seen.add(lane.workspace_id)
        lanes.move_on(lane, next_due=run_lane(lane, now=now))
    assert seen == {acme.pk, globex.pk}
    for workspace in (acme, globex):
        with workspace_scope(workspace.pk):
            # Each workspace knows only what it asked itself.
            assert list(MailHost.objects.values_list("domain", "state", "provider")) == [("lumen-robotics.com", "takes", "Google")]  # fmt: skip
            assert Verification.objects.count() == 1


@time_machine.travel(NOW, tick=False)
def test_asked_for_by_page_and_api(acme, alice, bob, as_, api, server, now) -> None:
    with workspace_scope(acme.pk):
        ana, tom = make_person(email="ana@lumen-robotics.com"), make_person(email="")
        looked(acme, NOW)
    url, client = f"/w/acme/people/{ana.pk}/verify/", api(alice)
    assert "Verify" in as_(bob).get(f"/w/acme/people/{ana.pk}/").content.decode()
    assert as_(bob).post(url).status_code in (200, 302)
    answer = client.post("/api/v1/people/verify/", {"ids": [str(ana.pk), str(tom.pk)]}, "application/json")
    assert (answer.status_code, answer.json()) == (202, {"asked": 1})
    refused = client.post("/api/v1/people/verify/", {"ids": []}, "application/json")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "ids")
    got = client.get(f"/api/v1/people/{ana.pk}/").json()
    assert (got["email_status"], got["email_checks"]) == ("unknown", ["unproven"])
    assert "takes mail (Google)" in got["email_status_reason"]
    confirmed = client.post(f"/api/v1/people/{ana.pk}/confirm/")
    assert (confirmed.status_code, confirmed.json()["stale_signal"]) == (200, "")
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.filter(action="person.verification_asked").count() == 2
        asked = len(server.asked)
        assert looked(acme, NOW + timedelta(days=400)).judged == 1
        assert len(server.asked) > asked  # asked anew, though it was known
    with workspace_scope(acme.pk), pytest.raises(Invalid, match="Choose some people"):
        ask_verification(ids=[], by=SYSTEM, now=now)


@time_machine.travel(NOW, tick=False)
def test_all_that_match_are_verified_after_they_were_counted(acme, bob, as_, api, server, now) -> None:
    with workspace_scope(acme.pk):
        for name in ("ana", "eva"):
            make_person(name, email=f"{name}@lumen-robotics.com", city="Porto")
        tom = make_person("Tom", email="", city="Porto")
        other = make_person("Far", email="far@lumen-robotics.com", city="Lisbon")
        looked(acme, NOW)
        Verification.objects.update(due_at=NOW + timedelta(days=30))
    rule = json.dumps({"field": "person.city", "op": "is", "value": "Porto"})
    form = {"act": "verify", "all": "1", "query": urlencode({"rule": rule})}
    asked = as_(bob).post("/w/acme/bulk/people/ask/", form).content.decode()
    assert "Will be looked at anew" in asked and "has no e-mail address" in asked and "Verify e-mail: 2 people" in asked
    with workspace_scope(acme.pk):
        assert not Verification.objects.filter(due_at__lte=NOW).exists()
    late = as_(bob).post("/w/acme/bulk/people/ask/", form | {"asked": "1", "confirmed": "1", "expected": "4"})
    assert late.status_code == 422 and "3 match by now, not 4" in late.content.decode()
    assert as_(bob).post(
        "/w/acme/bulk/people/ask/", form | {"asked": "1", "confirmed": "1", "expected": "3"}
    ).status_code in (204, 302)
    with workspace_scope(acme.pk):
        assert Verification.objects.filter(due_at__lte=NOW, person__city="Porto").count() >= 2
        assert Verification.objects.get(person=other).due_at > NOW
        act = BulkAct.objects.get()
        assert (act.changed, act.blocked, act.examples[0][0]) == (2, {"has no e-mail address": 1}, str(tom.pk))
    client = api(bob)
    body = {"subject": "people", "kind": "verify", "filter": {}}
    plan = client.post("/api/v1/bulk-acts/preview/", body, "application/json").json()
    assert (plan["total"], plan["eligible"], plan["blocked"]) == (4, 3, {"has no e-mail address": 1})
    assert client.post("/api/v1/bulk-acts/", body, "application/json").json()["changed"] == 3
    firms = client.post("/api/v1/bulk-acts/", body | {"subject": "companies"}, "application/json")
    assert (firms.status_code, firms.json()["error"]["field"]) == (400, "kind")
