"""The pages of API tokens and of the audit log."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.actions.audit import SYSTEM, write_audit
from accounts.models import ApiToken, AuditEntry
from accounts.rules.audit_words import describe, details
from leadgen.core.tenancy import workspace_scope
from tests.conftest import NOW
from tests.factories.accounts import make_member

NEW = "/w/acme/settings/tokens/new/"
FORM = {"name": "Website form", "expires": "30", "scopes_members": ["members.view"], "scopes_people": ["people.edit"]}
AUDIT = "/w/acme/settings/audit/"


def text_of(page):
    return page.split('id="token">')[1].split("<")[0]


def test_a_token_is_shown_once_works_and_lies_nowhere_in_clear(as_, alice, acme):
    client = as_(alice)
    response = client.post(NEW, FORM)
    assert "no-store" in response.headers["Cache-Control"]
    text = text_of(response.content.decode())
    assert text.startswith(f"lg_{acme.pk.hex}_")
    program = Client(headers={"Authorization": f"Bearer {text}"})
    assert program.get("/api/v1/members/").status_code == 200
    assert program.get("/api/v1/audit/").status_code == 403
    secret = text.rsplit("_", 1)[1]
    assert secret not in client.get("/w/acme/settings/tokens/").content.decode()
    assert secret not in str(dict(client.session))
    with workspace_scope(acme.pk):
        token = ApiToken.objects.get()
        assert secret not in str(token.__dict__)
        assert token.scopes == ["members.view", "people.edit"]
        assert 29 <= (token.expires_at - token.created_at).days <= 30
        entry = AuditEntry.objects.get()
        assert entry.detail == {"scopes": ["members.view", "people.edit"]}


def test_a_revoked_token_is_refused_at_once(as_, alice, acme):
    client = as_(alice)
    text = text_of(client.post(NEW, FORM).content.decode())
    with workspace_scope(acme.pk):
        token = ApiToken.objects.get()
    assert client.post(f"/w/acme/settings/tokens/{token.pk}/revoke/").status_code == 302
    assert Client(headers={"Authorization": f"Bearer {text}"}).get("/api/v1/members/").status_code == 401
    assert "revoked" in client.get("/w/acme/settings/tokens/").content.decode()
    client.post(f"/w/acme/settings/tokens/{token.pk}/revoke/")
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.filter(action="token.revoked").count() == 1


def test_only_scopes_of_ones_own_role_are_offered_and_taken(as_, acme, alice):
    ops = make_member(acme, "ops", "otto@acme.example")
    page = as_(ops).get(NEW).content.decode()
    assert 'value="tokens.view"' in page
    assert 'value="workspace.edit"' not in page
    response = as_(ops).post(NEW, FORM | {"scopes_workspace": ["workspace.edit"]})
    assert response.status_code == 422
    with workspace_scope(acme.pk):
        assert not ApiToken.objects.exists()


def test_a_token_without_a_scope_is_refused_in_words(as_, alice, acme):
    response = as_(alice).post(NEW, {"name": "x", "expires": "30"})
    assert response.status_code == 422
    assert "Choose at least one scope" in response.content.decode()
    with workspace_scope(acme.pk):
        assert not ApiToken.objects.exists()


def test_an_sdr_neither_sees_nor_makes_nor_revokes_tokens(as_, api, alice, bob, acme):
    api(alice, "*")
    with workspace_scope(acme.pk):
        token = ApiToken.objects.get()
    client = as_(bob)
    assert client.get("/w/acme/settings/tokens/").status_code == 403
    assert client.post(NEW, FORM).status_code == 403
    assert client.post(f"/w/acme/settings/tokens/{token.pk}/revoke/").status_code == 403
    with workspace_scope(acme.pk):
        assert ApiToken.objects.get().revoked_at is None


def test_a_token_of_another_workspace_is_not_found(as_, api, alice, charlie, globex):
    api(charlie, "*")
    with workspace_scope(globex.pk):
        token = ApiToken.objects.get()
    assert as_(alice).post(f"/w/acme/settings/tokens/{token.pk}/revoke/").status_code == 404
    with workspace_scope(globex.pk):
        assert ApiToken.objects.get().revoked_at is None


@pytest.mark.parametrize(
    ("action", "label", "words"),
    [
        ("person.deleted", "Ana Ferreira", "deleted the person “Ana Ferreira”"),
        ("member.role_changed", "Bob", "changed the role of “Bob”"),
        ("lead.stage_changed", "Ana", "the lead “Ana”: stage changed"),
        ("icp.published", "", "published the ICP"),
        ("agreement.signed", "v5", "signed the agreement “v5”"),
    ],
)
def test_entries_read_in_words(action, label, words):
    assert describe(action, label) == words


def test_details_read_in_words():
    lines = details(
        {"changes": {"role": ["sdr", "ae"], "team": ["", "DACH"]}, "rows": 12, "dry_run": False, "kinds": []}
    )
    assert lines == [
        ("Role", "sdr → ae"), ("Team", "nothing → DACH"), ("Rows", "12"), ("Dry run", "no"), ("Kinds", "nothing"),
    ]  # fmt: skip
    assert len(details({"text": "x" * 500})[0][1]) == 120


@pytest.fixture
def entries(acme, by_alice, by_bob):
    with workspace_scope(acme.pk):
        for day, by, action in (
            (2, by_alice, "person.deleted"),
            (3, by_bob, "deal.won"),
            (4, SYSTEM, "import.finished"),
        ):
            at = datetime(2026, 3, day, 23, 30, tzinfo=UTC)  # 00:30 of the next day in Berlin
            write_audit(by=by, action=action, now=at, label=f"day {day}")


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", [4, 3, 2]),
        ("action=deal.won", [3]),
        ("member=system", [4]),
        ("since=2026-03-04", [4, 3]),
        ("until=2026-03-03", [2]),
        ("since=2026-03-04&until=2026-03-04", [3]),
    ],
)
def test_the_audit_page_filters_by_action_member_and_local_day(as_, alice, entries, query, days):
    page = as_(alice).get(f"{AUDIT}?{query}").content.decode()
    assert [day for day in (4, 3, 2) if f"“day {day}”" in page] == days


def test_the_audit_page_filters_by_member_and_pages(as_, alice, bob, acme, entries, by_alice):
    page = as_(alice).get(f"{AUDIT}?member={bob.member.pk}").content.decode()
    assert "won the deal “day 3”" in page
    assert "“day 2”" not in page
    with workspace_scope(acme.pk):
        for number in range(60):
            write_audit(by=by_alice, action="person.edited", now=NOW, label=f"n{number}")
    first = as_(alice).get(f"{AUDIT}?action=person.edited").content.decode()
    assert first.count("edited the person") == 50
    assert "action=person.edited&amp;cursor=" in first


def test_only_owner_and_admin_read_the_audit_log(as_, acme, entries, alice, bob):
    admin = make_member(acme, "admin", "adam@acme.example")
    ops = make_member(acme, "ops", "otto@acme.example")
    assert as_(admin).get(AUDIT).status_code == 200
    for someone in (ops, bob):
        assert as_(someone).get(AUDIT).status_code == 403
