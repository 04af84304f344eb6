"""Inviting by e-mail: from the page to the accepted membership, and every way it is refused."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connections
from django.test import Client

from accounts.actions.invitations import accept_invitation, invite_member
from accounts.models import AuditEntry, Invitation, Member, SystemMail, User
from leadgen.core import clock
from leadgen.core.errors import AppError
from leadgen.core.tenancy import workspace_scope
from tests.accounts import mails
from tests.factories.accounts import make_member, make_user

INVITE = "/w/acme/settings/members/invite/"


def invite(as_, alice, email="dora@acme.example", role="marketer"):
    """Invite through the page; returns the path of the mailed link."""
    assert as_(alice).post(INVITE, {"email": email, "role": role}).status_code == 302
    return mails.link(mails.planned("invitation")[-1])


def members(workspace):
    with workspace_scope(workspace.pk):
        return {m.email: (m.role, m.is_active) for m in Member.objects.all()}


def test_the_mail_says_who_invites_where_and_as_what(as_, alice, acme):
    path = invite(as_, alice)
    mail = mails.only("invitation")
    assert mail.to == "dora@acme.example"
    assert mail.subject == "Alice invites you to Acme on Leadgen"
    assert "Alice invites you to the workspace Acme on Leadgen, as Marketer." in mail.text
    assert path.startswith(f"/invitations/{acme.pk.hex}.")
    with workspace_scope(acme.pk):
        assert path.split(".")[1].strip("/") not in Invitation.objects.get().secret_hash


def test_accepting_signed_in_makes_a_member_with_the_invited_role(as_, alice, acme):
    path = invite(as_, alice)
    dora = make_user("dora@acme.example")
    client = Client()
    client.force_login(dora, backend="allauth.account.auth_backends.AuthenticationBackend")
    page = client.get(path)
    assert page.status_code == 200
    assert "Accept the invitation" in page.content.decode()
    assert members(acme) == {"alice@acme.example": ("owner", True)}  # a GET changes nothing
    response = client.post(path)
    assert response.status_code == 302
    assert response["Location"] == "/w/acme/"
    assert members(acme)["dora@acme.example"] == ("marketer", True)
    with workspace_scope(acme.pk):
        entry = AuditEntry.objects.get(action="invitation.accepted")
        assert entry.member.user_id == dora.pk
    again = client.post(path)
    assert again.status_code == 410
    assert "This invitation was accepted" in again.content.decode()


def test_somebody_new_signs_up_verifies_and_comes_back_to_the_invitation(as_, alice, acme):
    path = invite(as_, alice)
    client = Client()
    assert "Create an account" in client.get(path).content.decode()
    response = client.post(path, {"then": "signup"})
    assert response["Location"] == "/accounts/signup/?email=dora%40acme.example"
    assert 'value="dora@acme.example"' in client.get(response["Location"]).content.decode()
    client.post(
        "/accounts/signup/", {"name": "Dora", "email": "dora@acme.example", "password1": "a long enough secret"}
    )
    confirm = mails.link(mails.only("email_confirmation_signup"))
    assert client.post(confirm).status_code == 302
    assert client.get("/")["Location"] == path
    assert client.post(path)["Location"] == "/w/acme/"
    assert members(acme)["dora@acme.example"] == ("marketer", True)
    with workspace_scope(acme.pk):
        assert Member.objects.get(email="dora@acme.example").name == "Dora"


def test_another_signed_in_person_cannot_use_the_link(as_, alice, charlie, acme):
    path = invite(as_, alice)
    client = as_(charlie)
    assert "You are signed in as charlie@globex.example" in client.get(path).content.decode()
    response = client.post(path)
    assert response.status_code == 403
    assert "This invitation is for dora@acme.example" in response.content.decode()
    assert members(acme) == {"alice@acme.example": ("owner", True)}
    with workspace_scope(acme.pk):
        assert Invitation.objects.get().accepted_at is None


def test_an_address_that_is_not_verified_does_not_count(as_, alice, acme):
    from allauth.account.models import EmailAddress

    path = invite(as_, alice)
    mallory = make_user("mallory@other.example")
    EmailAddress.objects.create(user=mallory, email="dora@acme.example", verified=False)
    client = Client()
    client.force_login(mallory, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(path).status_code == 403
    assert members(acme) == {"alice@acme.example": ("owner", True)}


def test_a_withdrawn_invitation_says_so(as_, alice, acme):
    path = invite(as_, alice)
    with workspace_scope(acme.pk):
        pk = Invitation.objects.get().pk
    assert as_(alice).post(f"/w/acme/settings/invitations/{pk}/revoke/").status_code == 302
    response = Client().get(path)
    assert response.status_code == 410
    assert "This invitation was withdrawn" in response.content.decode()


def test_sending_again_ends_the_old_link(as_, alice, acme):
    old = invite(as_, alice)
    with workspace_scope(acme.pk):
        pk = Invitation.objects.get().pk
    as_(alice).post(f"/w/acme/settings/invitations/{pk}/resend/")
    new = mails.link(mails.planned("invitation")[-1])
    assert new != old
    assert Client().get(old).status_code == 404
    assert Client().get(new).status_code == 200


def test_an_expired_invitation_is_refused_and_can_be_replaced(as_, alice, acme, by_alice):
    long_ago = clock.now() - timedelta(days=8)
    with workspace_scope(acme.pk):
        invite_member(by=by_alice, email="dora@acme.example", role="sdr", now=long_ago)
    path = mails.link(mails.only("invitation"))
    dora = make_user("dora@acme.example")
    client = Client()
    client.force_login(dora, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(path)
    assert response.status_code == 410
    assert "This invitation has expired" in response.content.decode()
    assert client.post(invite(as_, alice))["Location"] == "/w/acme/"


@pytest.mark.parametrize("secret", ["a" * 32, "z" * 32])
def test_a_guessed_secret_finds_nothing(acme, globex, secret):
    response = Client().get(f"/invitations/{acme.pk.hex}.{secret}/")
    assert response.status_code == 404
    assert "not valid" in response.content.decode()


def test_a_secret_of_one_workspace_opens_nothing_in_another(as_, alice, globex):
    path = invite(as_, alice)
    secret = path.split(".")[1]
    assert Client().get(f"/invitations/{globex.pk.hex}.{secret}").status_code == 404


def test_an_admin_cannot_invite_an_owner(as_, acme, alice):
    admin = make_member(acme, "admin", "adam@acme.example")
    page = as_(admin).get(INVITE).content.decode()
    assert 'value="admin"' in page
    assert 'value="owner"' not in page
    response = as_(admin).post(INVITE, {"email": "dora@acme.example", "role": "owner"})
    assert response.status_code == 422
    with workspace_scope(acme.pk):
        assert not Invitation.objects.exists()
    assert not SystemMail.objects.exists()


def test_a_member_or_an_open_invitation_is_not_invited_twice(as_, alice, bob, acme):
    response = as_(alice).post(INVITE, {"email": "BOB@acme.example", "role": "ae"})
    assert response.status_code == 422
    assert "bob@acme.example is a member already, as SDR." in response.content.decode()
    invite(as_, alice)
    response = as_(alice).post(INVITE, {"email": "dora@acme.example", "role": "ae"})
    assert "dora@acme.example is invited already" in response.content.decode()
    assert len(mails.planned("invitation")) == 1


def test_an_sdr_may_not_invite_and_nothing_is_mailed(as_, bob, acme):
    assert as_(bob).post(INVITE, {"email": "dora@acme.example", "role": "viewer"}).status_code == 403
    with workspace_scope(acme.pk):
        assert not Invitation.objects.exists()
    assert not SystemMail.objects.exists()


def test_a_name_from_an_import_becomes_the_new_members(as_, alice, acme):
    with workspace_scope(acme.pk):
        imported = Member.objects.create(email="dora@acme.example", name="D. Ora", role="viewer", is_active=False)
    path = invite(as_, alice, role="ae")
    dora = make_user("dora@acme.example", name="Dora Orange")
    client = Client()
    client.force_login(dora, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.post(path)
    with workspace_scope(acme.pk):
        member = Member.objects.get(user=dora)
        assert member.pk == imported.pk
        assert (member.name, member.role, member.is_active) == ("Dora Orange", "ae", True)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_member(acme, alice, by_alice):
    now = clock.now()
    with workspace_scope(acme.pk):
        invite_member(by=by_alice, email="dora@acme.example", role="sdr", now=now)
    secret = mails.link(mails.only("invitation")).split(".")[1].strip("/")
    dora = make_user("dora@acme.example")
    together, outcomes = Barrier(2, timeout=20), []

    def click():
        try:
            together.wait()
            accept_invitation(user=User.objects.get(pk=dora.pk), workspace_id=acme.pk, secret=secret, now=now)
            outcomes.append("joined")
        except AppError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["accepted", "joined"]
    with workspace_scope(acme.pk):
        assert Member.objects.filter(user=dora).count() == 1
        assert AuditEntry.objects.filter(action="invitation.accepted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_invitations_of_one_address_at_once_mail_once(acme, alice, by_alice):
    together, outcomes = Barrier(2, timeout=20), []

    def send():
        try:
            together.wait()
            with workspace_scope(acme.pk):
                invite_member(by=by_alice, email="dora@acme.example", role="sdr", now=clock.now())
            outcomes.append("sent")
        except AppError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["already_invited", "sent"]
    assert len(mails.planned("invitation")) == 1
