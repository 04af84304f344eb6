"""Idempotency-Key over HTTP: a retry acts once, whatever happens between."""

from datetime import timedelta

import psycopg
import pytest

from accounts.actions.idempotency import forget_old_answers
from accounts.models import IdempotencyRecord, Invitation, SystemMail
from accounts.tasks import forget_old_api_answers
from leadgen.core import clock
from leadgen.core.idempotency import LANE
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from tests.factories.accounts import make_member

URL = "/api/v1/invitations/"
DORA = {"email": "dora@acme.example", "role": "sdr"}


def post(client, key, body=None, url=URL):
    return client.post(url, body or DORA, content_type="application/json", headers={"Idempotency-Key": key})


def invited(workspace):
    with workspace_scope(workspace.pk):
        return list(Invitation.objects.order_by("email").values_list("email", flat=True))


def test_a_retry_gets_the_first_answer_and_acts_once(api, alice, acme):
    client = api(alice)
    first, second = post(client, "k1"), post(client, "k1")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert "Idempotent-Replay" not in first.headers
    assert second.headers["Idempotent-Replay"] == "true"
    assert invited(acme) == ["dora@acme.example"]
    assert SystemMail.objects.count() == 1
    assert post(client, "k2").status_code == 409  # another key is another request: already invited


def test_the_same_key_with_another_body_or_address_is_refused(api, alice, acme):
    client = api(alice)
    post(client, "k1")
    response = post(client, "k1", DORA | {"email": "emil@acme.example"})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "idempotency_key_reused"
    with workspace_scope(acme.pk):
        pk = Invitation.objects.get().pk
    assert post(client, "k1", url=f"{URL}{pk}/resend/").status_code == 422
    assert invited(acme) == ["dora@acme.example"]
    assert SystemMail.objects.count() == 1


def test_a_refused_request_is_not_stored_so_its_retry_runs_anew(api, alice, acme):
    client = api(alice)
    assert post(client, "k1", DORA | {"role": "king"}).status_code == 400
    with workspace_scope(acme.pk):
        assert not IdempotencyRecord.objects.exists()
    assert post(client, "k1").status_code == 201


def test_keys_belong_to_the_token(api, alice, acme):
    admin = make_member(acme, "admin", "adam@acme.example")
    assert post(api(alice), "k1").status_code == 201
    other = post(api(admin), "k1", DORA | {"email": "emil@acme.example"})
    assert other.status_code == 201
    assert invited(acme) == ["dora@acme.example", "emil@acme.example"]


def test_while_the_first_request_runs_a_retry_is_told_to_wait(api, alice, acme, services):
    client = api(alice)
    with workspace_scope(acme.pk):
        token = alice.member.pk and client_token(alice)
    name = f"idempotency:{acme.pk}:{token}:k1"
    with psycopg.connect(services.app) as running:
        running.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        response = post(client, "k1")
        assert response.status_code == 409
        assert response.json()["error"]["code"] == "idempotency_in_flight"
        assert invited(acme) == []
    assert post(client, "k1").status_code == 201


def client_token(someone):
    from accounts.models import ApiToken

    return ApiToken.objects.get(member=someone.member).pk


def test_permission_is_checked_before_a_stored_answer_is_shown(api, alice, acme):
    client = api(alice)
    post(client, "k1")
    make_member(acme, "owner", "olga@acme.example")
    with workspace_scope(acme.pk):
        alice.member.role = "viewer"
        alice.member.save()
    assert post(client, "k1").status_code == 403


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_a_key_that_cannot_be_used_is_refused(api, alice, acme, key):
    response = post(api(alice), key)
    assert response.status_code == 400
    assert response.json()["error"]["field"] == "Idempotency-Key"
    assert invited(acme) == []


def test_without_a_key_nothing_is_stored(api, alice, acme):
    assert api(alice).post(URL, DORA, content_type="application/json").status_code == 201
    with workspace_scope(acme.pk):
        assert not IdempotencyRecord.objects.exists()


def test_after_a_day_a_key_is_free_again(api, alice, acme):
    client = api(alice)
    post(client, "k1")
    with workspace_scope(acme.pk):
        IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(hours=24))
    response = post(client, "k1", DORA | {"email": "emil@acme.example"})
    assert response.status_code == 201
    assert "Idempotent-Replay" not in response.headers
    with workspace_scope(acme.pk):
        assert IdempotencyRecord.objects.count() == 1


def test_old_answers_are_forgotten_and_the_lane_comes_back_while_any_remain(api, alice, acme):
    client = api(alice)
    post(client, "k1")
    post(client, "k2", DORA | {"email": "emil@acme.example"})
    lane = Lane.objects.get(kind=LANE, workspace_id=acme.pk)
    with workspace_scope(acme.pk):
        kept = IdempotencyRecord.objects.get(key="k2")
        assert forget_old_answers(now=kept.created_at) == IdempotencyRecord.objects.get(
            key="k1"
        ).created_at + timedelta(hours=24)
        IdempotencyRecord.objects.filter(key="k1").update(created_at=clock.now() - timedelta(days=2))
    Lane.objects.filter(pk=lane.pk).update(next_due=clock.now() - timedelta(minutes=1))
    forget_old_api_answers()
    with workspace_scope(acme.pk):
        assert [record.key for record in IdempotencyRecord.objects.all()] == ["k2"]
    lane.refresh_from_db()
    assert lane.next_due == kept.created_at + timedelta(hours=24)
    assert lane.lease_until is None
