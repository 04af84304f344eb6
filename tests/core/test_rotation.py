"""Retiring a field key: every stored secret moves to the newest while senders run, and then opens without the old one."""

import json
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection

from accounts.actions.keys import move_to_newest_key
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.mailbox_secrets import COLUMNS, mailbox_purpose, opened, sealed_for
from campaigns.actions.steps import mark_enrolments
from campaigns.models import Mailbox, Message
from campaigns.rules.tokens import message_id, public_token
from leadgen.core import rotation, secrets, services
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.sink import Sink, running_sink
from tests.conftest import NOW
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def keys(settings: Any) -> Any:
    """Only the old key is known; `settings.FIELD_KEYS` is what a test changes."""
    settings.FIELD_KEYS = [OLD]
    return settings


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as found:
        found.script |= {"EHLO": "250-sink\r\n250 AUTH PLAIN", "AUTH": "235 ok"}
        yield found


def full_mailbox(number: int, port: int = 2525) -> Mailbox:
    """A mailbox with a secret in every column."""
    mailbox = make_mailbox(port, address=f"box{number}@acme.example", username="box")
    for column in COLUMNS:
        setattr(mailbox, f"{column}_sealed", sealed_for(mailbox, column, json.dumps({"secret": f"{column}-{number}"})))
    mailbox.save()
    return mailbox


def opens(mailbox: Mailbox, number: int) -> bool:
    return all(json.loads(opened(mailbox, column)) == {"secret": f"{column}-{number}"} for column in COLUMNS)


def rotate(*args: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *args, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_rotating_beside_a_running_sender_fails_nothing(acme: Any, alice: Any, keys: Any, sink: Sink) -> None:
    with workspace_scope(acme.pk):
        for number in range(4):
            mailbox = full_mailbox(number, sink.port)
            version = make_sequence([EMAIL], mailbox=mailbox)
            for _ in range(5):
                make_enrolment(version, make_person(), mailbox=mailbox)
        mark_enrolments(NOW)
    seed = secrets.seal("SEED", purpose="mfa")
    factor = Authenticator.objects.create(user=alice.user, type="totp", data={"secret": seed})
    keys.FIELD_KEYS = [NEW, OLD]
    began, rotated = threading.Event(), []

    def rotating() -> None:
        try:
            began.wait(10)
            rotated.append(rotate("--batch", "1"))
        finally:
            connection.close()

    thread = threading.Thread(target=rotating)
    thread.start()
    for _ in range(60):
        dispatch_once(now=NOW)
        began.set()
        if len(sink.accepted) == 20 and not thread.is_alive():
            break
        thread.join(0.05)
    thread.join(30)
    with workspace_scope(acme.pk):
        assert list(Message.objects.values_list("state", flat=True)) == ["sent"] * 20
        assert set(Mailbox.objects.values_list("state", "last_error")) == {("active", "")}
    assert f"campaigns.mailbox: 0 on the newest key, {4 * len(COLUMNS)} moved, 0 not opened" in rotated[0]
    assert "mfa.authenticator: 0 on the newest key, 1 moved, 0 not opened" in rotated[0]
    assert "remove them and restart" in rotated[0]
    keys.FIELD_KEYS = [NEW]
    with workspace_scope(acme.pk):
        assert all(opens(mailbox, number) for number, mailbox in enumerate(Mailbox.objects.order_by("address")))
    factor.refresh_from_db()
    assert secrets.unseal(factor.data["secret"], purpose="mfa") == "SEED"


@pytest.mark.django_db
def test_a_run_that_was_broken_off_goes_on(acme: Any, globex: Any, alice: Any, charlie: Any, keys: Any) -> None:
    for workspace in (acme, globex):
        with workspace_scope(workspace.pk):
            full_mailbox(1)
            full_mailbox(2)
    keys.FIELD_KEYS = [NEW, OLD]
    moved: list[str] = []
    broken = RuntimeError("killed")

    def dying(value: str, *, purpose: str) -> str:
        if len(moved) == 5:
            raise broken
        moved.append(purpose)
        return real(value, purpose=purpose)

    real = secrets.seal
    with mock.patch.object(secrets, "seal", dying), pytest.raises(RuntimeError, match="killed"):
        list(move_to_newest_key(batch=1))
    count = dict(move_to_newest_key(batch=1))["campaigns.mailbox"]
    assert (count.total, count.failed) == (4 * len(COLUMNS), 0)
    assert dict(move_to_newest_key())["campaigns.mailbox"].kept == 4 * len(COLUMNS), "nothing is left to do"


@pytest.mark.django_db
def test_check_changes_nothing_and_says_what_is_left(acme: Any, alice: Any, keys: Any) -> None:
    with workspace_scope(acme.pk):
        before = full_mailbox(1).password_sealed
    keys.FIELD_KEYS = [NEW, OLD]
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("rotate_keys", "--check", stdout=out)
    assert f"{len(COLUMNS)} secrets still need an older key" in out.getvalue()
    with workspace_scope(acme.pk):
        assert Mailbox.objects.get().password_sealed == before


@pytest.mark.django_db
def test_a_secret_no_key_opens_is_counted_and_left_alone(acme: Any, alice: Any, keys: Any) -> None:
    with workspace_scope(acme.pk):
        one, two = full_mailbox(1), full_mailbox(2)
        swapped = two.password_sealed
        Mailbox.objects.filter(pk=one.pk).update(password_sealed=swapped)
    keys.FIELD_KEYS = [NEW, OLD]
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("rotate_keys", stdout=out, stderr=out)
    assert f"{2 * len(COLUMNS) - 1} moved, 1 not opened" in out.getvalue()
    with workspace_scope(acme.pk):
        assert Mailbox.objects.get(pk=one.pk).password_sealed == swapped


@pytest.mark.django_db
def test_what_was_written_meanwhile_is_kept(acme: Any, in_acme: Any, keys: Any) -> None:
    mailbox = full_mailbox(1)
    read = mailbox.oauth_sealed
    keys.FIELD_KEYS = [NEW, OLD]
    fresh = sealed_for(mailbox, "oauth", "a newer token")
    Mailbox.objects.filter(pk=mailbox.pk).update(oauth_sealed=fresh)
    place = next(place for place in rotation.places() if place.label == "campaigns.mailbox")
    assert isinstance(place, rotation.SealedColumns)
    purpose = mailbox_purpose(mailbox.workspace_id, mailbox.pk, "oauth")
    place._move_one(mailbox, "oauth_sealed", read, purpose, True)
    assert Mailbox.objects.get().oauth_sealed == fresh


@pytest.mark.django_db
def test_every_sealed_column_of_every_table_is_known_to_rotation() -> None:
    from leadgen.core.tenancy import tenant_models

    lie = {
        (model._meta.label_lower, field.name)
        for model in tenant_models()
        for field in model._meta.concrete_fields
        if f"_{field.name}".endswith("_sealed")
    }
    known = {
        (place.label, column)
        for place in rotation.places()
        if isinstance(place, rotation.SealedColumns)
        for column in place.purposes
    }
    assert known == lie


def test_links_and_message_ids_outlive_every_field_key(acme: Any, keys: Any) -> None:
    def made() -> tuple[str, str]:
        return (
            message_id(workspace_id=acme.pk, message=acme.pk, domain="acme.example"),
            public_token("unsubscribe", workspace_id=acme.pk, row=acme.pk),
        )

    before = made()
    keys.FIELD_KEYS = [NEW]
    assert made() == before
    keys.DERIVE_KEY = "another"
    assert made() != before


def test_the_root_of_links_is_kept_from_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.State, "locate", lambda: mock.Mock(root=tmp_path))
    assert services.pinned_secret("derive_key", "the-first") == "the-first"
    assert services.pinned_secret("derive_key", "a-newer") == "the-first"
    assert (tmp_path / "derive_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_production_without_a_root_of_its_own_is_warned(acme: Any, alice: Any, keys: Any) -> None:
    keys.FIELD_KEYS = [NEW, OLD]
    keys.DERIVE_KEY_IS_SET = False
    assert "Set DERIVE_KEY to that same last key" in rotate()
