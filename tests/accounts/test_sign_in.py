"""Signing up, verifying, logging in, resetting a password and the second factor, as people do it."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.core import mail as outbox
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.models import SystemMail, User
from accounts.tasks import send_system_mail
from leadgen.core.secrets import unseal
from tests.accounts import mails
from tests.factories.accounts import PASSWORD, make_user

SIGN_UP = {"name": "Dora Orange", "email": "dora@acme.example", "password1": "a long enough secret"}
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _fresh_rate_limits():
    cache.clear()
    yield
    cache.clear()


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_sign_up_writes_the_mail_as_a_row_and_the_worker_sends_it(db):
    client = Client()
    response = client.post("/accounts/signup/", SIGN_UP)
    assert response["Location"] == "/accounts/confirm-email/"
    assert outbox.outbox == []  # nothing talks to a mail server inside the request
    mail = mails.only("email_confirmation_signup")
    assert mail.to == "dora@acme.example"
    assert mail.subject == "Verify your e-mail address for Leadgen"
    assert "Hello Dora Orange," in mail.text
    send_system_mail(str(mail.pk))
    assert [(m.to, m.subject) for m in outbox.outbox] == [
        (["dora@acme.example"], "Verify your e-mail address for Leadgen")
    ]
    assert outbox.outbox[0].body == mail.text
    assert outbox.outbox[0].extra_headers["Auto-Submitted"] == "auto-generated"
    mail.refresh_from_db()
    assert (mail.state, mail.text) == ("sent", "")  # the link is not kept
    send_system_mail(str(mail.pk))
    assert len(outbox.outbox) == 1


def test_opening_the_link_changes_nothing_and_pressing_the_button_verifies(db):
    client = Client()
    client.post("/accounts/signup/", SIGN_UP)
    path = mails.link(mails.only("email_confirmation_signup"))
    user = User.objects.get(email="dora@acme.example")
    assert client.get(path).status_code == 200
    assert not user.emailaddress_set.filter(verified=True).exists()
    assert client.post(path).status_code == 302
    assert user.emailaddress_set.filter(verified=True).exists()
    assert client.get("/")["Location"] == "/workspaces/"
    assert "You are in no workspace yet" in client.get("/workspaces/").content.decode()


def test_before_verifying_log_in_leads_to_the_notice(db):
    Client().post("/accounts/signup/", SIGN_UP)
    client = Client()
    response = client.post(LOGIN, {"login": SIGN_UP["email"], "password": SIGN_UP["password1"]})
    assert response["Location"] == "/accounts/confirm-email/"
    assert client.get("/workspaces/").status_code == 302


def test_signing_up_with_a_taken_address_looks_the_same_and_mails_its_owner(db):
    make_user("dora@acme.example")
    response = Client().post("/accounts/signup/", SIGN_UP)
    assert response["Location"] == "/accounts/confirm-email/"
    assert User.objects.count() == 1
    assert mails.only("account_already_exists").subject == "You have an account at Leadgen already"


def test_a_short_password_is_refused_in_words(db):
    response = Client().post("/accounts/signup/", SIGN_UP | {"password1": "short"})
    assert "at least 10 characters" in response.content.decode()
    assert not User.objects.exists()
    assert not SystemMail.objects.exists()


def test_log_in_lands_on_the_one_workspace(alice, as_):
    client = Client()
    response = client.post(LOGIN, {"login": "alice@acme.example", "password": PASSWORD}, follow=True)
    assert response.redirect_chain[0][0] == "/"
    assert response.redirect_chain[1][0] == "/w/acme/"
    assert response.status_code == 200


def test_a_page_opened_signed_out_comes_back_after_log_in(alice):
    client = Client()
    asked = client.get("/w/acme/settings/members/?role=sdr")
    assert asked["Location"].startswith("/accounts/login/?next=/w/acme/settings/members/")
    done = client.post(asked["Location"], {"login": "alice@acme.example", "password": PASSWORD})
    assert done["Location"] == "/w/acme/settings/members/?role=sdr"


def test_a_session_that_ends_on_a_page_comes_back_to_the_page_and_not_to_its_part(alice):
    page = "http://testserver/w/acme/territories/new/?a=1"
    part = {"path": "/w/acme/segments/rule/", "headers": {"HX-Request": "true", "HX-Current-URL": page}}
    asked = Client().post(**part)
    assert (asked.status_code, asked["HX-Redirect"]) == (200, "/accounts/login/?next=/w/acme/territories/new/%3Fa%3D1")
    form = Client().post("/w/acme/privacy/notices/", headers={"Referer": page})
    assert form["Location"] == "/accounts/login/?next=/w/acme/territories/new/%3Fa%3D1"
    # Another site's address is no page of ours.
    part["headers"]["HX-Current-URL"] = "https://evil.example/w/acme/"
    assert Client().post(**part)["HX-Redirect"] == "/accounts/login/?next=/w/acme/segments/rule/"


def test_too_many_wrong_passwords_are_stopped(db):
    make_user("dora@acme.example")
    client = Client()
    for _ in range(5):
        client.post(LOGIN, {"login": "dora@acme.example", "password": "wrong wrong wrong"})
    answer = client.post(LOGIN, {"login": "dora@acme.example", "password": PASSWORD})
    assert "Too many failed login attempts" in answer.content.decode()
    assert client.get("/workspaces/").status_code == 302


def test_password_reset_by_mail(db):
    make_user("dora@acme.example")
    client = Client()
    client.post("/accounts/password/reset/", {"email": "dora@acme.example"})
    mail = mails.only("password_reset_key")
    assert mail.subject == "Set a new password for Leadgen"
    page = client.get(mails.link(mail))  # allauth moves the key out of the address
    client.post(page["Location"], {"password1": "another long secret", "password2": "another long secret"})
    assert mails.only("password_reset").subject == "Your password for Leadgen was reset"
    fresh = Client()
    assert fresh.post(LOGIN, {"login": "dora@acme.example", "password": PASSWORD}).status_code == 200
    assert fresh.post(LOGIN, {"login": "dora@acme.example", "password": "another long secret"}).status_code == 302


def test_reset_for_an_unknown_address_tells_only_that_address(db):
    response = Client().post("/accounts/password/reset/", {"email": "nobody@acme.example"})
    assert response["Location"] == "/accounts/password/reset/done/"
    assert mails.only("unknown_account").to == "nobody@acme.example"


def test_links_in_mail_do_not_follow_the_host_header(db, settings):
    settings.ALLOWED_HOSTS = ["*"]
    make_user("dora@acme.example")
    Client().post("/accounts/password/reset/", {"email": "dora@acme.example"}, headers={"host": "evil.example"})
    assert "evil.example" not in mails.only("password_reset_key").text


@pytest.fixture
def with_totp(alice, as_, django_capture_on_commit_callbacks):
    """Alice with TOTP switched on through the pages; returns the seed and her client."""
    client = as_(alice)
    again = client.get("/accounts/2fa/totp/activate/")
    client.post(again["Location"], {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    secret = client.session["mfa.totp.secret"]
    assert secret in page
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert response["Location"] == "/accounts/2fa/recovery-codes/"
    return secret, client


def test_totp_seed_is_sealed_at_rest_and_its_code_is_asked_at_log_in(alice, with_totp):
    secret, _ = with_totp
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, data::text FROM mfa_authenticator WHERE user_id = %s", [alice.user.pk])
        stored = dict(cursor.fetchall())
    assert secret not in stored["totp"]
    sealed = Authenticator.objects.get(user=alice.user, type="totp").data["secret"]
    assert unseal(sealed, purpose="mfa") == secret
    assert mails.only("totp_activated").to == "alice@acme.example"
    cache.clear()  # a code may be used once, and the activation used this window's
    client = Client()
    asked = client.post(LOGIN, {"login": "alice@acme.example", "password": PASSWORD})
    assert asked["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/w/acme/settings/").status_code == 302
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert wrong.status_code == 200
    assert client.get("/w/acme/settings/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/w/acme/settings/").status_code == 200


def test_a_recovery_code_opens_once_and_none_lies_in_clear(alice, with_totp):
    _, client = with_totp
    page = client.get("/accounts/2fa/recovery-codes/").content.decode()
    codes = re.findall(r"\b\d{8}\b", page)
    assert len(codes) == 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(data::text, ' ') FROM mfa_authenticator")
        stored = cursor.fetchone()[0]
    assert not any(code in stored for code in codes)
    for expected in (200, 302):
        visitor = Client()
        visitor.post(LOGIN, {"login": "alice@acme.example", "password": PASSWORD})
        visitor.post("/accounts/2fa/authenticate/", {"code": codes[0]})
        assert visitor.get("/w/acme/settings/").status_code == expected


def test_the_list_of_sessions_is_written_once_a_minute_and_at_once_for_another_browser(alice, as_):
    client, start = as_(alice), datetime(2026, 3, 4, 10, tzinfo=UTC)
    seen = []
    for seconds, agent in ((0, "A"), (59, "A"), (60, "A"), (61, "B"), (62, "A"), (100, "A")):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert client.get("/w/acme/people/", headers={"user-agent": agent}).status_code == 200
        row = UserSession.objects.get(user=alice.user)
        seen.append(((row.last_seen_at - start).seconds, row.user_agent))
    assert seen == [(0, "A"), (0, "A"), (60, "A"), (61, "B"), (62, "A"), (62, "A")]


def test_sessions_can_be_ended_elsewhere(alice, as_):
    laptop, phone = Client(), Client()
    for client in (laptop, phone):
        client.post(LOGIN, {"login": "alice@acme.example", "password": PASSWORD})
    page = laptop.get("/accounts/sessions/").content.decode()
    assert "127.0.0.1" in page
    laptop.post("/accounts/sessions/")
    assert laptop.get("/w/acme/settings/").status_code == 200
    assert phone.get("/w/acme/settings/").status_code == 302
