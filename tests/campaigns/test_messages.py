"""Messages: five states that add up, the reason of each, settling what is unknown, and the API."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from campaigns.actions.outcomes import settle_unknown
from campaigns.models import Enrolment, HitVerdict, LinkHit, Message, StepRun, TrackedLink
from campaigns.queries.messages import balance
from leadgen.core.errors import Conflict, Invalid
from leadgen.core.tenancy import workspace_scope
from tests.factories.accounts import make_member
from tests.factories.campaigns import EMAIL, FOLLOW_UP, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

HTMX = {"HX-Request": "true"}
pytestmark = pytest.mark.django_db


def send(client: Any, method: str, path: str, data: Any = None) -> Any:
    return getattr(client, method)(f"/api/v1/{path}", data=json.dumps(data), content_type="application/json")


def make_message(enrolment: Enrolment, state: str, now: datetime, **fields: Any) -> Message:
    """The first step's message of an enrolment, in a state, with its step begun."""
    values: dict[str, Any] = {
        "kind": "step", "state": state, "enrolment": enrolment, "campaign": enrolment.sequence.campaign,
        "person": enrolment.person, "mailbox": enrolment.mailbox, "to_address": enrolment.person.email,
        "subject": "A question", "text": "Hi Ana", "due_at": now, "created_at": now,
    }  # fmt: skip
    if state == "unknown":
        values |= {"submitted_at": now, "reason": "No answer.", "reason_code": "no_answer"}
    return Message.objects.create(**(values | fields))


@pytest.fixture
def enrolment(in_acme: Workspace, now: datetime) -> Enrolment:
    mailbox = make_mailbox()
    version = make_sequence([EMAIL, FOLLOW_UP], mailbox=mailbox, name="Plants")
    return make_enrolment(version, make_person("Ana Ferreira", email="ana@lumen.example"), mailbox=mailbox)


@pytest.fixture
def unknown(enrolment: Enrolment, now: datetime) -> Message:
    """Handed over, the answer lost: the sequence waits for it."""
    from campaigns.models import Step

    step = Step.objects.get(version=enrolment.version, position=1)
    StepRun.objects.create(enrolment=enrolment, step=step, begun_at=now)
    Enrolment.objects.filter(pk=enrolment.pk).update(position=1, next_at=None)
    return make_message(enrolment, "unknown", now, step=step)


def test_the_balance_is_the_sum_of_the_five(enrolment, now) -> None:
    for state in ("planned", "sent", "sent", "blocked", "failed", "unknown"):
        make_message(enrolment, state, now)
    counts = balance(campaign=enrolment.sequence.campaign)
    assert counts == {"planned": 1, "sent": 2, "blocked": 1, "failed": 1, "unknown": 1, "all": 6}
    assert sum(counts[state] for state in Message.State.values) == counts["all"]


@pytest.mark.parametrize(("outcome", "state"), [("sent", "sent"), ("skip", "failed")])
def test_a_person_settles_what_is_unknown_and_the_sequence_goes_on(unknown, acme, as_, now, outcome, state) -> None:
    leader = make_member(acme, "leader")
    url = f"/w/acme/messages/{unknown.pk}/"
    client = as_(leader)
    assert "It was sent" in client.get(url).content.decode()
    assert client.post(f"{url}settle/", {"outcome": outcome}).status_code == 302
    unknown.refresh_from_db()
    assert (unknown.state, unknown.settled_by) == (state, "person")
    enrolment = Enrolment.objects.get()
    assert enrolment.next_at is not None  # the follow-up is planned
    assert AuditEntry.objects.get(action="message.settled").detail == {"sent": outcome == "sent"}
    assert client.post(f"{url}settle/", {"outcome": outcome}).status_code in (400, 409)


def test_a_message_whose_worker_died_can_be_settled_and_one_being_sent_cannot(unknown, by_alice, now) -> None:
    far = datetime.now(now.tzinfo) + timedelta(hours=1)
    Message.objects.filter(pk=unknown.pk).update(reason_code="submitted", lease_until=far)
    with pytest.raises(Invalid):
        settle_unknown(message=unknown, sent=True, by=by_alice, now=now)
    # The worker was killed after the point of no return; its lease ran out by the database's clock.
    Message.objects.filter(pk=unknown.pk).update(lease_until=now - timedelta(hours=1))
    assert settle_unknown(message=unknown, sent=True, by=by_alice, now=now).state == "sent"
    with pytest.raises(Conflict):
        settle_unknown(message=unknown, sent=True, by=by_alice, now=now)


def test_only_those_who_may_settle_do(unknown, acme, globex, as_, api, charlie) -> None:
    seller = make_member(acme, "sdr")
    url = f"messages/{unknown.pk}/settle/"
    assert "It was sent" not in as_(seller).get(f"/w/acme/messages/{unknown.pk}/").content.decode()
    assert as_(seller).post(f"/w/acme/{url}", {"outcome": "sent"}).status_code == 403
    assert send(api(seller), "post", url, {"outcome": "sent"}).status_code == 403
    assert as_(charlie).post(f"/w/globex/{url}", {"outcome": "sent"}).status_code == 404
    assert as_(charlie).get(f"/w/globex/messages/{unknown.pk}/").status_code == 404
    assert send(api(charlie), "post", url, {"outcome": "sent"}).status_code == 404
    unknown.refresh_from_db()
    assert unknown.state == "unknown"


def test_lists_filter_by_state_sequence_and_what_happened(enrolment, alice, as_, now) -> None:
    make_message(enrolment, "planned", now, subject="Held one", hold_reason="Held: outside Ana's 9-17 window")
    make_message(enrolment, "sent", now, subject="Answered one", replied_at=now)
    make_message(enrolment, "blocked", now, subject="Blocked one", reason="Suppressed: unsubscribed")
    client = as_(alice)
    url = f"/w/acme/sequences/{enrolment.sequence_id}/messages/"

    def shown(query: str) -> list[str]:
        body = client.get(f"{url}?{query}", headers=HTMX).content.decode()
        return [name for name in ("Held one", "Answered one", "Blocked one") if name in body]

    assert shown("") == ["Held one", "Answered one", "Blocked one"]
    assert shown("state=blocked") == ["Blocked one"]
    assert (shown("event=held"), shown("event=replied"), shown("q=nobody")) == (["Held one"], ["Answered one"], [])
    body = client.get(f"/w/acme/messages/?campaign={enrolment.sequence.campaign_id}").content.decode()
    assert "Held: outside Ana&#x27;s 9-17 window" in body and "Suppressed: unsubscribed" in body


def test_the_page_shows_the_frozen_text_headers_answer_and_clicks(enrolment, alice, as_, now) -> None:
    message = make_message(
        enrolment, "sent", now, message_id="abc@acme.example", response="250 queued as 4711", sent_at=now,
        submitted_at=now, text="See https://acme.example/x",
    )  # fmt: skip
    link = TrackedLink.objects.create(message=message, position=1, url="https://acme.example/plants")
    hit = LinkHit.objects.create(message=message, link=link, at=now, method="GET", user_agent="Mimecast")
    HitVerdict.objects.create(hit=hit, version=1, hit_class="human", reason="a browser", at=now)
    HitVerdict.objects.create(hit=hit, version=2, hit_class="automated", reason="all links at once", at=now)
    body = as_(alice).get(f"/w/acme/messages/{message.pk}/").content.decode()
    for words in ("&lt;abc@acme.example&gt;", "250 queued as 4711", "See https://acme.example/x", "all links at once",
                  "Sam Seller &lt;sam@acme.example&gt;", "RFC 8058"):  # fmt: skip
        assert words in body, words


def test_api_lists_balances_and_settles(unknown, enrolment, alice, api, now) -> None:
    make_message(enrolment, "sent", now)
    token = api(alice)
    rows = token.get("/api/v1/messages/?state=unknown").json()["results"]
    assert [(row["id"], row["step"], row["reason"]) for row in rows] == [(str(unknown.pk), 1, "No answer.")]
    assert token.get("/api/v1/messages/balance/").json() == {
        "planned": 0, "sent": 1, "blocked": 0, "failed": 0, "unknown": 1, "all": 2,
    }  # fmt: skip
    assert token.get("/api/v1/messages/balance/?state=sent").json()["all"] == 1
    bad = send(token, "post", f"messages/{unknown.pk}/settle/", {"outcome": "maybe"})
    assert (bad.status_code, bad.json()["error"]["field"]) == (400, "outcome")
    assert send(token, "post", f"messages/{unknown.pk}/settle/", {"outcome": "sent"}).json()["state"] == "sent"
    again = send(token, "post", f"messages/{unknown.pk}/settle/", {"outcome": "sent"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "settled")


def test_lists_cost_the_same_for_many_rows(enrolment, alice, as_, api, now) -> None:
    client, token = as_(alice), api(alice)

    def queries(count: int) -> tuple[int, ...]:
        for _ in range(count):
            make_message(enrolment, "sent", now)
        found = []
        for caller, url in ((client, "/w/acme/messages/"), (token, "/api/v1/messages/")):
            caller.get(url)
            with CaptureQueriesContext(connection) as captured:
                assert caller.get(url).status_code == 200
            found.append(len(captured))
        return tuple(found)

    first = queries(1)
    assert queries(8) == first
    assert first <= (28, 8)
    with workspace_scope(alice.workspace.pk):
        assert Message.objects.count() == 9
