"""Inbound forms through HTTP: from a POST to somebody's queue, with its receipt; nothing is discarded."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.actions.audit import SYSTEM
from campaigns.actions.capture import create_form, update_form
from campaigns.models import Form, Submission
from campaigns.queries.capture import hosted_url
from campaigns.rules.tokens import public_token
from campaigns.views import hosted
from leadgen.core.tenancy import workspace_scope
from prospects.actions.merges import merge_rows
from prospects.actions.people import create_person
from prospects.models import Activity, Company, Consent, Handoff, Lead, Person, Task
from prospects.queries.duplicates import PEOPLE
from prospects.queries.tasks import open_tasks_of
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.prospects import make_campaign, make_company, make_person

pytestmark = pytest.mark.django_db
ANA = {
    "first_name": "Ana", "last_name": "Ferreira", "email": "Ana@Lumen.example", "company": "Lumen Robotics",
    "message": "Our second plant goes live in January", "consent": "yes",
}  # fmt: skip


@pytest.fixture
def form(acme: Any, bob: Any) -> Form:
    """A demo request of acme, whose one SDR is Bob."""
    with workspace_scope(acme.pk):
        return create_form(by=SYSTEM, now=NOW, name="Demo request", title="See it at work")


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def path(form: Form) -> str:
    return hosted_url(form).partition("//")[2].partition("/")[2].join(["/", ""])


def hidden(page: Any) -> dict[str, str]:
    """The hidden inputs of a hosted page, as a browser would send them."""
    import re

    text = page.content.decode()
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text))


def test_a_demo_request_stands_in_the_queue_at_once(form: Form, acme: Any, bob: Any, clock: Any) -> None:
    browser = Client()
    page = browser.get(
        path(form) + "?utm_source=google&utm_medium=cpc&utm_campaign=autumn",
        headers={"Referer": "https://search.example/"},
    )
    assert page.status_code == 200
    clock.shift(timedelta(seconds=40))
    answer = browser.post(path(form), ANA | hidden(page))
    assert answer.status_code == 200
    assert "Thank you" in answer.content.decode()
    with workspace_scope(acme.pk):
        person = Person.objects.select_related("company").get()
        assert (person.full_name, person.email) == ("Ana Ferreira", "ana@lumen.example")
        assert (person.company.name, person.company.domain) == ("Lumen Robotics", "lumen.example")
        lead = Lead.objects.get()
        assert (lead.origin, lead.channel, lead.subchannel, lead.owner) == ("inbound", "paid", "google", bob.member)
        assert lead.stage == "mql", "a demo request is an MQL by itself"
        assert Handoff.objects.get().to_member == bob.member
        task = open_tasks_of(bob.member, NOW + timedelta(minutes=1)).get(kind="inbound")
        assert task.title == "Answer demo request: Ana Ferreira"
        assert "second plant" in task.reason
        # 11:00 in Berlin; the agreement's five working minutes.
        assert task.sla_due_at == lead.touch_due_at == NOW + timedelta(seconds=40, minutes=5)
        fact = Activity.objects.get(kind="form_submitted")
        assert (fact.detail["demo_requested"], fact.detail["utm"]["utm_campaign"]) == (True, "autumn")
        row = Submission.objects.get()
        assert (row.state, row.referrer, row.lead, row.person) == ("accepted", "https://search.example/", lead, person)
        consent = Consent.objects.get()
        assert (consent.text, consent.version, consent.given) == (form.consent_text, "Demo request v1", True)


def test_the_receipt_says_every_step(form: Form, acme: Any, bob: Any, alice: Any, as_: Any) -> None:
    Client().post(path(form), ANA)
    with workspace_scope(acme.pk):
        row = Submission.objects.get()
    words = [step["words"] for step in row.routing["steps"]]
    assert [step["step"] for step in row.routing["steps"]] == ["captured", "matched", "scored", "routed", "queued"]
    assert words[0] == "Demo request, channel Content by the form’s channel"
    assert words[1] == "new person Ana Ferreira; new company Lumen Robotics by its domain lumen.example"
    assert words[3] == "Bob is the only active SDR; 0 of 20 open"
    assert words[4] == "Bob’s queue, answer due Wed 10:05 UTC"
    assert row.routing["considered"] == [{"name": "Bob", "open": 0, "capacity": 20, "given": 0, "due": 1.0}]
    page = as_(alice).get(f"/w/acme/forms/submissions/{row.pk}/").content.decode()
    assert "Bob is the only active SDR" in page
    assert "Rules tried, in order" in page


def test_a_double_click_is_one_submission(form: Form, acme: Any, clock: Any) -> None:
    page = Client().get(path(form))
    clock.shift(timedelta(seconds=30))
    for _ in range(2):
        assert Client().post(path(form), ANA | hidden(page)).status_code == 200
    with workspace_scope(acme.pk):
        assert (Submission.objects.count(), Lead.objects.count(), Task.objects.filter(kind="inbound").count()) == (
            1,
            1,
            1,
        )


def test_the_same_words_without_a_nonce_are_one_for_ten_minutes(form: Form, acme: Any, clock: Any) -> None:
    for minutes in (0, 9, 2):
        clock.shift(timedelta(minutes=minutes))
        assert Client().post(path(form), ANA).status_code == 200
    with workspace_scope(acme.pk):
        assert Submission.objects.count() == 2
        assert Lead.objects.count() == 1, "a person has one open lead"


def test_a_mistyped_address_is_refused_in_words_kept_and_mended(form: Form, acme: Any, clock: Any) -> None:
    page = Client().get(path(form))
    clock.shift(timedelta(seconds=20))
    bad = Client().post(path(form), ANA | hidden(page) | {"email": "ana@lumen"})
    text = bad.content.decode()
    assert bad.status_code == 422
    assert "“ana@lumen” is not a complete e-mail address" in text
    assert 'value="ana@lumen"' in text
    assert "Our second plant goes live" in text
    with workspace_scope(acme.pk):
        kept = Submission.objects.get()
        assert (kept.state, kept.lead, Person.objects.count()) == ("incomplete", None, 0)
    good = Client().post(path(form), ANA | hidden(bad))
    assert good.status_code == 200
    with workspace_scope(acme.pk):
        mended = Submission.objects.get()
        assert (mended.pk, mended.state) == (kept.pk, "accepted")
        assert Person.objects.get().email == "ana@lumen.example"


def test_consent_that_must_be_ticked_is_asked_for(form: Form, acme: Any) -> None:
    answer = Client().post(path(form), {name: value for name, value in ANA.items() if name != "consent"})
    assert answer.status_code == 422
    assert "Tick this box" in answer.content.decode()
    with workspace_scope(acme.pk):
        assert Submission.objects.get().state == "incomplete"
        assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"fax_number": "123"}, "A field that people cannot see was filled in."),
        ({"first_name": "see http://spam.example"}, "A web address stands where a name belongs."),
    ],
)
def test_a_suspect_is_thanked_kept_and_taken_in_by_hand(
    form: Form, acme: Any, bob: Any, as_: Any, more: dict[str, str], reason: str
) -> None:
    answer = Client().post(path(form), ANA | more)
    assert answer.status_code == 200
    assert "Thank you" in answer.content.decode()
    with workspace_scope(acme.pk):
        row = Submission.objects.get()
        assert (row.state, row.reason) == ("suspect", reason)
        assert (Person.objects.count(), Lead.objects.count(), Task.objects.count()) == (0, 0, 0)
    url = f"/w/acme/forms/submissions/{row.pk}/"
    assert "program" in as_(bob).get(url).content.decode()
    assert as_(bob).post(url, {"email": "ana@lumen.example"}).status_code == 302
    assert as_(bob).post(url, {"email": "ana@lumen.example"}).status_code == 302
    with workspace_scope(acme.pk):
        row.refresh_from_db()
        assert (row.state, row.accepted_by) == ("accepted", bob.member)
        assert Lead.objects.get().opened_at == NOW
        assert Task.objects.filter(kind="inbound").count() == 1


def test_what_was_sent_within_two_seconds_is_suspect(form: Form, acme: Any, clock: Any) -> None:
    page = Client().get(path(form))
    clock.shift(timedelta(seconds=1))
    Client().post(path(form), ANA | hidden(page))
    with workspace_scope(acme.pk):
        assert Submission.objects.get().reason == "It was sent 1.0 seconds after the page was opened."


def test_a_forged_nonce_tells_nothing(form: Form, acme: Any) -> None:
    Client().post(path(form), ANA | {"nonce": f"{int(NOW.timestamp())}.abc.{'0' * 32}"})
    with workspace_scope(acme.pk):
        assert Submission.objects.get().state == "accepted"


def test_too_many_from_one_network_are_refused_and_what_was_typed_stays(
    form: Form, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted, "LIMIT", 2)
    for number in range(2):
        assert Client().post(path(form), ANA | {"email": f"p{number}@lumen.example"}).status_code == 200
    third = Client().post(path(form), ANA)
    assert third.status_code == 429
    assert int(third["Retry-After"]) <= 600
    assert "Too many were sent from your network" in third.content.decode()
    assert "Our second plant goes live" in third.content.decode()
    assert Client().post(path(form), ANA, REMOTE_ADDR="192.0.2.7").status_code == 200
    with workspace_scope(acme.pk):
        assert Submission.objects.count() == 3


def test_programs_post_json_and_get_json(form: Form, acme: Any) -> None:
    def post(data: Any, **headers: str) -> Any:
        return Client().post(path(form), json.dumps(data), content_type="application/json", headers=headers)

    made = post(ANA | {"consent": True, "utm_source": "linkedin"}, **{"Idempotency-Key": "k1"})
    assert made.status_code == 201
    assert made["Access-Control-Allow-Origin"] == "*"
    again = post(ANA | {"consent": True}, **{"Idempotency-Key": "k1"})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    bad = post({"email": "nobody", "first_name": "No"})
    assert bad.status_code == 422
    assert bad.json()["error"]["detail"]["fields"]["email"].startswith("“nobody” is not")
    assert post(["a list"]).json()["error"]["code"] == "not_json"
    with workspace_scope(acme.pk):
        assert Lead.objects.get().channel == "linkedin"
        assert sorted(Submission.objects.values_list("state", flat=True)) == ["accepted", "incomplete"]


def test_a_known_person_is_found_and_never_overwritten(form: Form, acme: Any, bob: Any, by_alice: Any) -> None:
    carl = make_member(acme, "sdr", "carl@acme.example")
    with workspace_scope(acme.pk):
        company = make_company("Lumen", domain="lumen.example")
        known = create_person(by=by_alice, now=NOW, first_name="Anna", email="ana@lumen.example", owner=carl.member)
    Client().post(path(form), ANA)
    with workspace_scope(acme.pk):
        person = Person.objects.get()
        assert (person.pk, person.first_name, person.last_name) == (known.pk, "Anna", "Ferreira")
        assert Company.objects.get() == company
        assert Lead.objects.get().owner == carl.member
        assert Submission.objects.get().routing["words"] == "Carl owns this person"


def test_a_mailbox_provider_is_no_company(form: Form, acme: Any) -> None:
    Client().post(path(form), ANA | {"email": "ana@gmail.com"})
    with workspace_scope(acme.pk):
        assert not Company.objects.exists()
        assert Person.objects.get().company is None
        assert "(“Lumen Robotics” was typed)" in Submission.objects.get().routing["steps"][1]["words"]


def test_the_form_says_whose_and_utm_says_which_campaign(form: Form, acme: Any, alice: Any, by_alice: Any) -> None:
    with workspace_scope(acme.pk):
        named = make_campaign("Autumn")
        update_form(
            form=form, changes={"default_owner": alice.member, "campaign": make_campaign("Site")}, by=by_alice, now=NOW
        )
    Client().post(path(form), ANA | {"utm_campaign": "autumn"})
    with workspace_scope(acme.pk):
        lead = Lead.objects.get()
        assert lead.campaign == named
        assert Submission.objects.get().routing["words"] == "The form gives its leads to Alice"


def test_another_consent_text_is_a_new_version_and_the_old_words_stay(form: Form, acme: Any, by_alice: Any) -> None:
    Client().post(path(form), ANA)
    with workspace_scope(acme.pk):
        update_form(form=form, changes={"consent_text": "New words"}, by=by_alice, now=NOW)
        old = Consent.objects.get()
        assert (form.consent_version, old.version, old.text == "New words") == (2, "Demo request v1", False)


def test_other_tokens_and_closed_forms(form: Form, acme: Any, globex: Any, by_alice: Any) -> None:
    foreign = public_token("form", workspace_id=globex.pk, row=form.pk)
    assert Client().get(f"/p/f/{foreign}/").status_code == 404
    assert Client().post(f"/p/f/{foreign}/", ANA).status_code == 404
    assert Client().get(path(form)[:-4] + "aaa/").status_code == 404
    with workspace_scope(acme.pk):
        update_form(form=form, changes={"is_active": False}, by=by_alice, now=NOW)
    assert Client().get(path(form)).status_code == 410
    assert Client().post(path(form), ANA).status_code == 410
    with workspace_scope(acme.pk):
        assert not Submission.objects.exists()


def test_the_page_stays_out_of_frames(form: Form) -> None:
    page = Client().get(path(form))
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]


def test_a_marketer_makes_a_form_in_the_editor(acme: Any, as_: Any, bob: Any) -> None:
    mia = make_member(acme, "marketer", "mia@acme.example")
    fields = {"fields-TOTAL_FORMS": "2", "fields-INITIAL_FORMS": "0", "fields-MIN_NUM_FORMS": "0", "fields-MAX_NUM_FORMS": "20",
              "fields-0-label": "Work e-mail", "fields-0-name": "email", "fields-0-type": "email",
              "fields-1-label": "Team size", "fields-1-type": "select", "fields-1-options": "1-10, 11-50"}  # fmt: skip
    sheet = {"name": "Trial", "kind": "contact", "title": "Try it", "button": "Go", "thank_you": "Thanks", "channel": "seo",
             "consent_text": "Yes", "is_active": "on"}  # fmt: skip
    assert as_(bob).post("/w/acme/forms/new/", sheet | fields).status_code == 403
    refused = as_(mia).post("/w/acme/forms/new/", sheet | fields | {"fields-0-name": "mail"})
    assert refused.status_code == 422
    assert "asks for the e-mail address" in refused.content.decode()
    made = as_(mia).post("/w/acme/forms/new/", sheet | fields)
    assert made.status_code == 302
    page = as_(mia).get(made["Location"]).content.decode()
    assert "&lt;select name=&quot;team_size&quot;&gt;" in page, "the markup to embed"
    with workspace_scope(acme.pk):
        form = Form.objects.get()
        assert form.fields[1] == {
            "name": "team_size",
            "label": "Team size",
            "type": "select",
            "required": False,
            "options": ["1-10", "11-50"],
        }
        assert (form.consent_required, form.channel) == (False, "seo")


def test_the_api_of_forms_and_submissions(acme: Any, alice: Any, api: Any, bob: Any) -> None:
    client = api(alice)
    made = client.post(
        "/api/v1/forms/",
        json.dumps({"name": "Contact", "title": "Ask us", "kind": "contact"}),
        content_type="application/json",
    )
    assert made.status_code == 201, made.content
    url = made.json()["url"].partition("//")[2].partition("/")[2]
    Client().post(f"/{url}", ANA | {"fax_number": "1"})
    listed = client.get("/api/v1/submissions/?state=suspect").json()["results"]
    assert [row["data"]["first_name"] for row in listed] == ["Ana"]
    taken = client.post(
        f"/api/v1/submissions/{listed[0]['id']}/accept/", json.dumps({}), content_type="application/json"
    )
    assert (taken.status_code, taken.json()["state"], bool(taken.json()["lead"])) == (200, "accepted", True)
    changed = client.patch(
        f"/api/v1/forms/{made.json()['id']}/", json.dumps({"consent_text": "Other"}), content_type="application/json"
    )
    assert changed.json()["consent_version"] == 2


def test_an_address_that_went_in_a_merge_means_the_person_who_stayed_and_makes_no_company(
    form: Form, acme: Any, clock: Any
) -> None:
    with workspace_scope(acme.pk):
        firm = make_company("Lumen Robotics", domain="new.example")
        kept = make_person("Ana Ferreira", firm, email="ana@new.example")
        gone = make_person("Ana Ferreira", firm, email="ana@lumen.example")
        merge_rows(subject=PEOPLE, kept=kept, gone=gone, by=SYSTEM, now=NOW, chosen={"email": "kept"})
    browser = Client()
    page = browser.get(path(form))
    clock.shift(timedelta(seconds=40))
    assert browser.post(path(form), ANA | hidden(page)).status_code == 200
    with workspace_scope(acme.pk):
        assert list(Person.objects.all()) == [kept] and list(Company.objects.all()) == [firm]
        row = Submission.objects.get()
        assert (row.person, row.company) == (kept, firm)
        (matched,) = [step for step in row.routing["steps"] if step["step"] == "matched"]
        assert "company Lumen Robotics, where Ana Ferreira works" in matched["words"]
