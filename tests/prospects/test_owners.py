"""Who may own: lists offer nobody who may own nothing, a refused write says why and changes nothing, what is theirs stays."""

import pytest

from accounts.actions.audit import SYSTEM
from accounts.models import AuditEntry, Member, Role
from accounts.permissions import may_own, owners
from leadgen.core.errors import Invalid
from leadgen.core.tenancy import workspace_scope
from prospects.actions.tasks import create_task
from prospects.forms.away import AbsenceForm
from prospects.forms.territories import TerritoryForm
from prospects.models import Campaign, Deal, Lead, Person, SignalTrigger, Task, Territory
from prospects.queries.territories import plan_of
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_deal, make_lead, make_person


@pytest.fixture
def vera(acme) -> Member:
    member = make_member(acme, Role.VIEWER, "vera@acme.example").member
    member.name = "Vera Viewer"
    with workspace_scope(acme.pk):
        member.save()
    return member


@pytest.mark.parametrize(("role", "active", "may"), [(Role.SDR, True, True), (Role.SDR, False, False), (Role.VIEWER, True, False)])  # fmt: skip
def test_a_member_may_own_who_may_write(role, active, may) -> None:
    assert may_own(Member(role=role, is_active=active)) is may
    assert may_own(None) is False


def test_pages_offer_no_viewer_and_keep_one_who_owns(acme, alice, bob, vera, as_) -> None:
    with workspace_scope(acme.pk):
        assert vera not in owners()
        ana, theirs = make_person("Ana"), make_person("Theo", owner=vera)
        territory = Territory(members=[vera.pk, bob.member.pk], rule={})
        choices = dict(TerritoryForm(territory=territory).fields["members"].choices)  # type: ignore[attr-defined]
        assert choices[str(vera.pk)] == "Vera Viewer (viewer)"
        assert str(vera.pk) not in dict(TerritoryForm().fields["members"].choices)  # type: ignore[attr-defined]
        # New records of that territory go to who may own.
        setup = [{"id": "1", "name": "x", "rule": {}, "members": [str(vera.pk), str(bob.member.pk)]}]
        assert plan_of(setup)[0].members == (bob.member.pk,)
        form = AbsenceForm()
        assert str(vera.pk) in dict(form.fields["member"].choices)  # type: ignore[attr-defined]
        assert str(vera.pk) not in dict(form.fields["cover"].choices)  # type: ignore[attr-defined]
    client = as_(alice)
    assert "Vera Viewer" not in client.get(f"/w/acme/people/{ana.pk}/edit/").content.decode()
    assert "Vera Viewer (viewer)" in client.get(f"/w/acme/people/{theirs.pk}/edit/").content.decode()
    assert "Vera Viewer (viewer)" in client.get(f"/w/acme/people/?owner={vera.pk}").content.decode()
    assert "Vera Viewer" not in client.get("/w/acme/campaigns/new/").content.decode()


def test_the_api_refuses_a_viewer_in_words_and_changes_nothing(acme, alice, bob, vera, api) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen")
        ana, theirs = make_person("Ana", lumen), make_person("Theo", lumen, owner=vera)
        lead, deal = make_lead(ana), make_deal("Line", company=lumen)
        before = AuditEntry.objects.count()
    client, v = api(alice), str(vera.pk)
    tries = [
        client.patch(f"/api/v1/people/{ana.pk}/", {"owner": v}, "application/json"),
        client.patch(f"/api/v1/companies/{lumen.pk}/", {"owner": v}, "application/json"),
        client.patch(f"/api/v1/deals/{deal.pk}/", {"owner": v}, "application/json"),
        client.post(f"/api/v1/leads/{lead.pk}/assign/", {"owner": v}, "application/json"),
        client.post("/api/v1/campaigns/", {"name": "Spring", "owner": v}, "application/json"),
        client.post("/api/v1/tasks/", {"kind": "todo", "title": "Call", "due_at": "2026-03-05T08:00:00Z", "owner": v}, "application/json"),
        client.post("/api/v1/territories/", {"name": "ES", "rule": {"field": "company.country", "op": "is", "value": "ES"}, "members": [v]}, "application/json"),
        client.post("/api/v1/bulk-acts/", {"subject": "people", "kind": "assign", "owner": v, "ids": [str(ana.pk)]}, "application/json"),
        client.post("/api/v1/signal-triggers/", {"name": "Money", "kinds": ["funding"], "owner": v}, "application/json"),
        client.post("/api/v1/absences/", {"member": str(bob.member.pk), "cover": v, "mode": "reassign"}, "application/json"),
    ]  # fmt: skip
    for answer in tries:
        assert answer.status_code == 400, (answer.request["PATH_INFO"], answer.content)
        assert "Vera Viewer is a viewer, who reads and owns nothing" in answer.content.decode(), answer.request[
            "PATH_INFO"
        ]
    with workspace_scope(acme.pk):
        for row in (ana, lumen, lead, deal):
            row.refresh_from_db()
            assert row.owner_id != vera.pk
        assert not any(model.objects.exists() for model in (Campaign, SignalTrigger, Task, Territory))
        assert AuditEntry.objects.count() == before
        assert Lead.objects.count() == Deal.objects.count() == 1
    # What is a viewer's already stays theirs, also when it is sent back with another change.
    answer = client.patch(f"/api/v1/people/{theirs.pk}/", {"owner": v, "title": "COO"}, "application/json")
    assert (answer.status_code, answer.json()["owner"], answer.json()["title"]) == (200, v, "COO")


def test_what_the_system_makes_for_a_viewers_record_is_anybodys(acme, vera, now) -> None:
    with workspace_scope(acme.pk):
        person = Person.objects.get(pk=make_person("Theo", owner=vera).pk)
        task = create_task(
            kind="todo", title="Answer", due_at=now, now=now, by=SYSTEM, person=person, owner=person.owner
        )
        assert task.owner is None
        vera.is_active = False
        with pytest.raises(Invalid, match="is not active"):
            create_task(kind="todo", title="Answer", due_at=now, now=now, by=SYSTEM, person=person, owner=vera)
