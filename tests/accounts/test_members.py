"""Members: roles, access, leaving and the ownership. A workspace never loses its last owner."""

from threading import Barrier, Thread

import pytest
from django.db import connections

from accounts.actions.audit import Actor
from accounts.actions.members import change_role
from accounts.models import ApiToken, AuditEntry, Member
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope
from tests.factories.accounts import make_member


def page(member, suffix=""):
    return f"/w/acme/settings/members/{member.pk}/{suffix}"


def state(someone):
    with workspace_scope(someone.workspace.pk):
        found = Member.objects.get(pk=someone.member.pk)
        return found.role, found.is_active


def form(role, **fields):
    return {"name": "Bob", "role": role, "team": "", "capacity": "20"} | fields


def audit(workspace):
    with workspace_scope(workspace.pk):
        return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_owner_changes_role_team_and_capacity(as_, alice, bob, acme):
    response = as_(alice).post(page(bob.member), form("ae", team="DACH", capacity="5"))
    assert response["Location"] == "/w/acme/settings/members/"
    with workspace_scope(acme.pk):
        member = Member.objects.get(pk=bob.member.pk)
        assert (member.role, member.team, member.capacity) == ("ae", "DACH", 5)
        changed = AuditEntry.objects.get(action="member.role_changed")
        assert changed.detail == {"changes": {"role": ["sdr", "ae"]}}
    assert audit(acme) == ["member.role_changed", "member.updated"]


def test_the_only_owner_cannot_step_down(as_, alice, acme):
    response = as_(alice).post(page(alice.member), form("admin", name="Alice"))
    assert response.status_code == 422
    assert "Alice is the only owner, and a workspace needs one." in response.content.decode()
    assert state(alice) == ("owner", True)
    assert audit(acme) == []


def test_with_a_second_owner_the_first_may_step_down(as_, alice, acme):
    make_member(acme, "owner", "olga@acme.example")
    as_(alice).post(page(alice.member), form("admin", name="Alice"))
    assert state(alice) == ("admin", True)


def test_an_admin_neither_makes_nor_unmakes_owners(as_, alice, bob, acme):
    admin = make_member(acme, "admin", "adam@acme.example")
    assert as_(admin).post(page(bob.member), form("owner")).status_code == 422
    assert state(bob) == ("sdr", True)
    assert as_(admin).post(page(alice.member), form("owner", name="Eve", team="x")).status_code == 422
    as_(admin).post(page(alice.member, "deactivate/"))
    assert state(alice) == ("owner", True)
    assert audit(acme) == []


def test_deactivation_ends_access_and_tokens_at_once(as_, api, alice, bob, acme):
    client, program = as_(bob), api(bob, "members.view")
    assert client.get("/w/acme/settings/").status_code == 200
    assert program.get("/api/v1/members/").status_code == 200
    as_(alice).post(page(bob.member, "deactivate/"))
    assert state(bob) == ("sdr", False)
    assert client.get("/w/acme/settings/").status_code == 404
    assert program.get("/api/v1/members/").status_code == 401
    as_(alice).post(page(bob.member, "reactivate/"))
    assert client.get("/w/acme/settings/").status_code == 200
    assert program.get("/api/v1/members/").status_code == 401  # revoked for good
    with workspace_scope(acme.pk):
        assert ApiToken.objects.get(member=bob.member).revoked_at is not None
    assert audit(acme) == ["member.deactivated", "member.reactivated"]


def test_nobody_deactivates_themselves(as_, alice, acme):
    make_member(acme, "owner", "olga@acme.example")
    response = as_(alice).post(page(alice.member, "deactivate/"), follow=True)
    assert "You cannot deactivate yourself." in response.content.decode()
    assert state(alice) == ("owner", True)


def test_an_sdr_sees_members_but_changes_none(as_, alice, bob, acme):
    listing = as_(bob).get("/w/acme/settings/members/")
    assert "alice@acme.example" in listing.content.decode()
    for url in (page(alice.member), page(alice.member, "deactivate/")):
        assert as_(bob).post(url, form("viewer")).status_code == 403
    assert state(alice) == ("owner", True)
    assert audit(acme) == []


def test_a_member_of_another_workspace_is_not_found(as_, alice, charlie, acme):
    for suffix in ("", "deactivate/", "reactivate/"):
        assert as_(alice).post(page(charlie.member, suffix), form("viewer")).status_code == 404
    assert state(charlie) == ("owner", True)


def test_leaving(as_, alice, bob, acme):
    client = as_(bob)
    assert client.get("/w/acme/settings/leave/").status_code == 200
    assert state(bob) == ("sdr", True)
    assert client.post("/w/acme/settings/leave/")["Location"] == "/workspaces/"
    assert state(bob) == ("sdr", False)
    assert client.get("/w/acme/settings/").status_code == 404
    assert audit(acme) == ["member.left"]


def test_the_only_owner_cannot_leave(as_, alice, acme):
    response = as_(alice).post("/w/acme/settings/leave/")
    assert response.status_code == 403
    assert "Transfer the ownership" in response.content.decode()
    assert state(alice) == ("owner", True)
    assert audit(acme) == []


def test_transferring_needs_the_address_typed(as_, alice, bob, acme):
    url = "/w/acme/settings/transfer/"
    refused = as_(alice).post(url, {"to": str(bob.member.pk), "confirm": "acm"})
    assert refused.status_code == 422
    assert state(bob) == ("sdr", True)
    response = as_(alice).post(url, {"to": str(bob.member.pk), "confirm": "acme"})
    assert response["Location"] == "/w/acme/settings/"
    assert state(bob) == ("owner", True)
    assert state(alice) == ("admin", True)
    assert audit(acme) == ["workspace.transferred"]
    assert as_(alice).get(url).status_code == 403


def test_the_ownership_cannot_go_to_another_workspaces_member(as_, alice, charlie, bob, acme):
    response = as_(alice).post("/w/acme/settings/transfer/", {"to": str(charlie.member.pk), "confirm": "acme"})
    assert response.status_code == 422
    assert state(alice) == ("owner", True)


def test_filters_find_members_and_the_fragment_has_no_frame(as_, alice, bob, acme):
    client = as_(alice)
    found = client.get("/w/acme/settings/members/?q=bob", headers={"HX-Request": "true"}).content.decode()
    assert "bob@acme.example" in found
    assert "alice@acme.example" not in found
    assert "<html" not in found
    assert "Nobody matches" in client.get("/w/acme/settings/members/?role=viewer").content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_demote_each_other_leave_one(acme, alice):
    olga = make_member(acme, "owner", "olga@acme.example")
    together, outcomes = Barrier(2, timeout=20), []

    def demote(by, member):
        try:
            together.wait()
            with workspace_scope(acme.pk):
                change_role(
                    by=Actor(member=by.member, source="user"), member=member.member, role="viewer", now=clock.now()
                )
            outcomes.append("done")
        except AppError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [Thread(target=demote, args=pair) for pair in ((alice, olga), (olga, alice))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["done", "refused"]
    with workspace_scope(acme.pk):
        assert Member.objects.filter(role="owner", is_active=True).count() == 1
