"""A copy of everything held about a person, and consents that are written down and taken back."""

import json
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from leadgen.core.tenancy import workspace_scope
from prospects.actions.people import create_person
from prospects.models import Consent, Suppression
from prospects.queries.suppressions import is_suppressed
from tests.conftest import NOW
from tests.factories.prospects import make_company, make_person, make_task

pytestmark = pytest.mark.django_db


@time_machine.travel(NOW, tick=False)
def test_a_copy_holds_what_names_them_and_nothing_of_others(acme, alice, bob, as_, api, by_alice) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen")
        ana = create_person(by=by_alice, now=NOW, name="Ana Ferreira", email="ana@lumen.example", company=lumen)
        tom = make_person("Tom Okafor", lumen)
        make_task("Call Ana about the offer", person=ana)
        make_task("Call Tom", person=tom)
    # Who may not take data out may not take this out either.
    assert as_(bob).post(f"/w/acme/people/{ana.pk}/copy/").status_code == 403
    client = api(alice)
    assert client.post(f"/api/v1/people/{ana.pk}/consents/", {"given": True, "text": "News by e-mail", "source": "Call of 4 March"}, "application/json").status_code == 201  # fmt: skip
    found = json.loads(as_(alice).post(f"/w/acme/people/{ana.pk}/copy/").content)
    assert (found["person"]["email"], found["company"]) == ("ana@lumen.example", "Lumen")
    assert [row["title"] for row in found["tables"]["prospects.Task"]] == ["Call Ana about the offer"]
    assert found["tables"]["prospects.Consent"][0]["text"] == "News by e-mail"
    assert "Added: typed by Alice" in json.dumps(found["tables"]["prospects.Activity"])
    assert "Tom" not in json.dumps(found)
    assert "workspace_id" not in json.dumps(found)
    assert client.post(f"/api/v1/people/{ana.pk}/copy/").json()["tables"].keys() == found["tables"].keys()
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.filter(action="person.exported").count() == 2


@time_machine.travel(NOW, tick=False)
def test_consent_is_written_down_and_taking_it_back_stops_mail(acme, alice, bob, as_, api) -> None:
    with workspace_scope(acme.pk):
        ana = make_person("Ana Ferreira", email="ana@lumen.example", source="Fair", lawful_basis="")
    url = f"/w/acme/people/{ana.pk}/privacy/"
    page = as_(bob).get(url).content.decode()
    assert "Why do we have this person?" in page
    assert "Fair" in page
    refused = as_(bob).post(url, {"given": "yes", "text": "News", "source": " "})
    assert refused.status_code == 422
    client: Any = api(alice)
    answer = client.post(f"/api/v1/people/{ana.pk}/consents/", {"given": True, "text": "News", "source": "Call", "at": "2027-01-01T00:00:00Z"}, "application/json")  # fmt: skip
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "at")
    with workspace_scope(acme.pk):
        assert not Consent.objects.exists()
    assert as_(bob).post(url, {"given": "yes", "text": "News by e-mail", "source": "Call of 4 March"}).status_code in (200, 302)  # fmt: skip
    with workspace_scope(acme.pk):
        assert is_suppressed([ana.email]) == set()
    assert as_(bob).post(url, {"given": "no", "text": "News by e-mail", "source": "Mail of 4 March"}).status_code in (200, 302)  # fmt: skip
    with workspace_scope(acme.pk):
        assert is_suppressed([ana.email]) == {ana.email}
        assert Suppression.objects.get().reason == "objected"
        assert list(Consent.objects.order_by("id").values_list("given", flat=True)) == [True, False]
    assert [row["given"] for row in client.get(f"/api/v1/people/{ana.pk}/consents/").json()] == [False, True]
    page = as_(bob).get(url).content.decode()
    assert "took back" in page
    assert "Not to be contacted" in page
