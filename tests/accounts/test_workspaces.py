"""Choosing and making workspaces, in the browser and from the shell."""

import json
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEntry, Member, User, Workspace
from accounts.rules.slugs import suggest_slug
from leadgen.core.tenancy import user_scope, workspace_scope
from tests.factories.accounts import make_member, make_user

NEW = {"name": "Müller & Söhne", "slug": "", "time_zone": "Europe/Berlin", "currency": "EUR", "gross_margin": "75"}


def slugs_of(user):
    with user_scope(user.pk):
        return sorted(Workspace.objects.values_list("slug", flat=True))


@pytest.fixture
def dora(db):
    return make_user("dora@new.example")


@pytest.fixture
def client(dora):
    client = Client()
    client.force_login(dora, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Müller & Söhne GmbH", "muller-sohne-gmbh"), ("  A--b ", "a-b"), ("東京", ""), ("x" * 60, "x" * 48)],
)
def test_an_address_is_suggested_from_the_name(name, slug):
    assert suggest_slug(name) == slug


def test_signed_out_people_are_sent_to_log_in(db):
    assert Client().get("/")["Location"] == "/accounts/login/"
    for path in ("/workspaces/", "/workspaces/new/", "/profile/"):
        assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_making_a_workspace_makes_its_maker_the_owner(client, dora):
    assert client.get("/")["Location"] == "/workspaces/"
    response = client.post("/workspaces/new/", NEW)
    assert response["Location"] == "/w/muller-sohne/"
    with user_scope(dora.pk):
        made = Workspace.objects.get()
    assert (made.name, made.currency, made.gross_margin) == ("Müller & Söhne", "EUR", Decimal("0.75"))
    with workspace_scope(made.pk):
        member = Member.objects.get()
        assert (member.user_id, member.role, member.email) == (dora.pk, "owner", "dora@new.example")
        assert AuditEntry.objects.get().action == "workspace.created"
    assert client.get("/")["Location"] == "/w/muller-sohne/"
    assert client.get("/w/muller-sohne/settings/").status_code == 200


def test_a_taken_address_is_refused_though_its_workspace_cannot_be_seen(client, dora, acme):
    response = client.post("/workspaces/new/", NEW | {"slug": "acme"})
    assert response.status_code == 422
    assert "“acme” is taken. Choose another address." in response.content.decode()
    assert slugs_of(dora) == []


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("slug", "Not A Slug", "Use a-z, 0-9 and hyphens"),
        ("gross_margin", "0", "The gross margin is a share above 0 %"),
        ("time_zone", "Mars/Base", "Select a valid choice"),
        ("currency", "XYZ", "Select a valid choice"),
        ("name", "東京", "This field cannot be blank"),
    ],
)
def test_what_cannot_be_used_is_named(client, dora, field, value, words):
    response = client.post("/workspaces/new/", NEW | {field: value})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert slugs_of(dora) == []


def test_with_several_workspaces_the_choice_shows_exactly_ones_own(client, dora, acme, globex):
    make_member(acme, "sdr", user=dora)
    client.post("/workspaces/new/", NEW)
    assert client.get("/")["Location"] == "/workspaces/"
    page = client.get("/workspaces/").content.decode()
    assert "/w/acme/" in page
    assert "/w/muller-sohne/" in page
    assert "globex" not in page.lower()
    switch = client.get("/w/acme/settings/").content.decode()
    assert 'href="/w/muller-sohne/"' in switch


def test_profile_changes_name_everywhere_zone_and_shortcuts(as_, alice, acme):
    client = as_(alice)
    assert client.get("/profile/").status_code == 200
    response = client.post("/profile/", {"name": "Alice Adams", "time_zone": "Asia/Tokyo"})
    assert response["Location"] == "/profile/"
    assert response.cookies["leadgen_shortcuts"].value == "off"
    user = User.objects.get(pk=alice.user.pk)
    assert (user.name, user.time_zone, user.shortcuts_enabled) == ("Alice Adams", "Asia/Tokyo", False)
    with workspace_scope(acme.pk):
        assert Member.objects.get(user=user).name == "Alice Adams"


def test_pages_show_times_in_the_readers_zone(as_, alice, acme, by_alice):
    from datetime import UTC, datetime

    from accounts.actions.audit import write_audit

    with workspace_scope(acme.pk):
        write_audit(
            by=by_alice, action="member.updated", now=datetime(2026, 3, 4, 23, 30, tzinfo=UTC), target=alice.member
        )
    client = as_(alice)
    assert "Thu 5 Mar 2026, 00:30 CET" in client.get("/w/acme/settings/audit/").content.decode()
    User.objects.filter(pk=alice.user.pk).update(time_zone="Asia/Tokyo")
    assert "Thu 5 Mar 2026, 08:30 JST" in client.get("/w/acme/settings/audit/").content.decode()


COMMAND = ("create_workspace", "northwind", "--owner", "Olga@northwind.example", "--zone", "Europe/Lisbon")
FACTS = ("--currency", "USD", "--gross-margin", "0.7")


@pytest.mark.django_db
def test_the_command_makes_user_and_workspace_once():
    first, second = StringIO(), StringIO()
    call_command(*COMMAND, *FACTS, "--json", stdout=first)
    call_command(*COMMAND, *FACTS, "--json", stdout=second)
    made, again = json.loads(first.getvalue()), json.loads(second.getvalue())
    assert made | {"id": ""} == {
        "id": "", "slug": "northwind", "owner": "olga@northwind.example", "created": True, "user_created": True,
    }  # fmt: skip
    assert again == made | {"created": False, "user_created": False}
    user = User.objects.get(email="olga@northwind.example")
    assert not user.has_usable_password()
    with workspace_scope(made["id"]):
        workspace = Workspace.objects.get()
        assert (workspace.time_zone, workspace.currency, workspace.gross_margin) == (
            "Europe/Lisbon",
            "USD",
            Decimal("0.7"),
        )
        assert Member.objects.get().role == "owner"
        assert AuditEntry.objects.get().source == "command"


@pytest.mark.django_db
def test_the_commands_owner_can_log_in_with_the_password_given():
    call_command(*COMMAND, *FACTS, "--password", "a long enough secret", stdout=StringIO())
    client = Client()
    client.post("/accounts/login/", {"login": "olga@northwind.example", "password": "a long enough secret"})
    assert client.get("/w/northwind/settings/").status_code == 200


def test_the_command_refuses_what_belongs_to_others_or_makes_no_sense(acme):
    with pytest.raises(CommandError, match="“acme” is taken"):
        call_command("create_workspace", "acme", "--owner", "olga@northwind.example", stdout=StringIO())
    with pytest.raises(CommandError, match="“Mars” is no time zone"):
        call_command(
            "create_workspace", "mars", "--owner", "olga@northwind.example", "--zone", "Mars", stdout=StringIO()
        )
    assert not User.objects.filter(email="olga@northwind.example").exists()
