"""The API as a program uses it: tokens and scopes, one error shape, filters, throttle, and the document."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.authentication import TokenThrottle
from accounts.models import ApiToken, AuditEntry, Invitation, Member, Workspace
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from tests.factories.accounts import make_member


def error(response):
    """The error of a refused answer, whose shape is the same everywhere."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "field", "detail"}
    return body["error"]


def patch(client, body, url="/api/v1/workspace/"):
    return client.patch(url, body, content_type="application/json")


def test_members_are_listed_for_the_tokens_own_workspace_only(api, alice, bob, charlie, acme):
    body = api(alice, "members.view").get("/api/v1/members/").json()
    assert [row["name"] for row in body["results"]] == ["Alice", "Bob"]
    assert body["next"] is body["previous"] is None
    one = api(bob, "members.view").get(f"/api/v1/members/{alice.member.pk}/").json()
    assert one == {
        "id": str(alice.member.pk), "name": "Alice", "email": "alice@acme.example", "role": "owner", "team": "",
        "capacity": 20, "is_active": True, "can_log_in": True, "left_at": None, "created_at": one["created_at"],
    }  # fmt: skip
    foreign = api(bob, "*").get(f"/api/v1/members/{charlie.member.pk}/")
    assert foreign.status_code == 404
    assert error(foreign)["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("role=sdr", ["Bob"]),
        ("email=ALICE@acme.example", ["Alice"]),
        ("is_active=false", ["Ida"]),
        ("team=DACH", ["Ida"]),
    ],
)
def test_member_filters(api, alice, bob, acme, query, names):
    with workspace_scope(acme.pk):
        Member.objects.create(name="Ida", email="ida@acme.example", role="viewer", team="DACH", is_active=False)
    body = api(alice, "members.view").get(f"/api/v1/members/?{query}").json()
    assert [row["name"] for row in body["results"]] == names


def test_a_filter_value_that_makes_no_sense_is_refused(api, alice):
    response = api(alice).get("/api/v1/members/?role=king")
    assert response.status_code == 400
    assert error(response)["field"] == "role"


@pytest.mark.parametrize(
    "header", [None, "Bearer nonsense", "Bearer lg_00000000000000000000000000000000_x", "Basic YTpi"]
)
def test_without_a_valid_token_every_call_is_401(acme, header):
    client = Client(headers={"Authorization": header} if header else {})
    response = client.get("/api/v1/members/")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="Leadgen API"'
    assert "message" in error(response)


def test_a_log_in_in_the_browser_is_no_token(as_, alice):
    assert as_(alice).get("/api/v1/members/").status_code == 401


def test_a_token_with_another_workspaces_id_in_front_is_refused(api, alice, globex, acme):
    text = api(alice).defaults["HTTP_AUTHORIZATION"]
    moved = Client(headers={"Authorization": text.replace(acme.pk.hex, globex.pk.hex)})
    assert moved.get("/api/v1/members/").status_code == 401


def test_expired_and_revoked_tokens_say_why(api, alice, acme):
    client = api(alice, "members.view")
    with workspace_scope(acme.pk):
        ApiToken.objects.update(expires_at=clock.now() - timedelta(days=1))
    assert "expired on" in error(client.get("/api/v1/members/"))["message"]
    with workspace_scope(acme.pk):
        ApiToken.objects.update(expires_at=None, revoked_at=clock.now())
    assert client.get("/api/v1/members/").status_code == 401


def test_scope_and_role_must_both_allow(api, alice, bob, acme):
    lacking = patch(api(alice, "workspace.view"), {"name": "Evil"})
    assert lacking.status_code == 403
    assert error(lacking)["message"] == "This token lacks the scope workspace.edit."
    sdr = patch(api(bob, "*"), {"name": "Evil"})
    assert sdr.status_code == 403
    assert "role" in error(sdr)["message"]
    with workspace_scope(acme.pk):
        assert Workspace.objects.get().name == "Acme"
        assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("scope", ["members.view", "members.*", "*.view", "*"])
def test_scopes_may_be_patterns(api, alice, scope):
    assert api(alice, scope).get("/api/v1/members/").status_code == 200


def test_workspace_is_read_and_changed(api, alice, acme):
    client = api(alice)
    assert client.get("/api/v1/workspace/").json()["gross_margin"] == "0.80000"
    changed = patch(client, {"name": "Acme Robotics", "gross_margin": "0.75"})
    assert changed.status_code == 200
    assert changed.json()["gross_margin"] == "0.75000"
    with workspace_scope(acme.pk):
        entry = AuditEntry.objects.get()
        assert (entry.source, entry.action) == ("api", "workspace.updated")
        assert entry.token is not None
        assert entry.detail["changes"] == {"name": ["Acme", "Acme Robotics"], "gross_margin": ["0.80000", "0.75000"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [({"slug": "evil"}, "slug"), ({"time_zone": "Mars"}, "time_zone"), ({"gross_margin": "2"}, "gross_margin")],
)
def test_workspace_refuses_what_cannot_be_used(api, alice, acme, body, field):
    response = patch(api(alice), body)
    assert response.status_code == 400
    assert error(response)["field"] == field
    with workspace_scope(acme.pk):
        assert Workspace.objects.get().slug == "acme"
        assert not AuditEntry.objects.exists()


def test_tokens_are_listed_without_secrets_and_revoked(api, alice, bob, acme):
    client, other = api(alice), api(bob, "members.view")
    listing = client.get("/api/v1/tokens/")
    assert len(listing.json()["results"]) == 2
    assert "hash" not in listing.content.decode()
    with workspace_scope(acme.pk):
        token = ApiToken.objects.get(member=bob.member)
    assert client.delete(f"/api/v1/tokens/{token.pk}/").status_code == 204
    assert other.get("/api/v1/members/").status_code == 401
    assert [row["name"] for row in client.get("/api/v1/tokens/?revoked=true").json()["results"]] == ["test"]
    with workspace_scope(acme.pk):
        assert AuditEntry.objects.get().action == "token.revoked"


def test_the_audit_log_reads_in_words_and_filters(api, alice, bob, acme):
    client = api(alice)
    patch(client, {"name": "Acme Robotics"})
    client.post("/api/v1/invitations/", {"email": "dora@acme.example", "role": "sdr"}, content_type="application/json")
    body = client.get("/api/v1/audit/").json()
    assert [row["words"] for row in body["results"]] == [
        "invited “dora@acme.example”",
        "changed the workspace's settings",
    ]
    assert client.get("/api/v1/audit/?action=workspace.updated").json()["results"][0]["detail"]["changes"] == {
        "name": ["Acme", "Acme Robotics"]
    }
    assert client.get(f"/api/v1/audit/?member={bob.member.pk}").json()["results"] == []
    assert api(bob, "*").get("/api/v1/audit/").status_code == 403
    assert client.post("/api/v1/audit/", {}).status_code == 405


def test_an_admins_token_makes_no_owner(api, acme, alice):
    admin = make_member(acme, "admin", "adam@acme.example")
    response = api(admin).post(
        "/api/v1/invitations/", {"email": "dora@acme.example", "role": "owner"}, content_type="application/json"
    )
    assert response.status_code == 403
    with workspace_scope(acme.pk):
        assert not Invitation.objects.exists()


def test_invitations_end_by_delete(api, alice, acme):
    client = api(alice)
    made = client.post(
        "/api/v1/invitations/", {"email": "dora@acme.example", "role": "ae"}, content_type="application/json"
    ).json()
    assert [row["id"] for row in client.get("/api/v1/invitations/").json()["results"]] == [made["id"]]
    assert client.delete(f"/api/v1/invitations/{made['id']}/").status_code == 204
    assert client.get("/api/v1/invitations/").json()["results"] == []
    assert client.delete(f"/api/v1/invitations/{made['id']}/").status_code == 404


def test_too_many_requests_are_429_with_the_wait(api, alice, bob, monkeypatch):
    cache.clear()
    monkeypatch.setattr(TokenThrottle, "THROTTLE_RATES", {"token": "2/min"})
    client = api(alice, "members.view")
    assert [client.get("/api/v1/members/").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/api/v1/members/")
    assert error(refused)["code"] == "throttled"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert api(bob, "members.view").get("/api/v1/members/").status_code == 200
    cache.clear()


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v1/members/not-an-id/"])
def test_unknown_addresses_answer_in_the_same_shape(api, alice, path):
    response = api(alice).get(path)
    assert response.status_code == 404
    assert error(response)["code"] == "not_found"


def test_a_body_that_is_no_json_is_refused_in_the_same_shape(api, alice):
    response = api(alice).post("/api/v1/invitations/", "{", content_type="application/json")
    assert response.status_code == 400
    assert error(response)["code"] == "parse_error"


def test_the_document_needs_no_workspace_and_no_token(db):
    response = Client().get("/api/v1/schema/?format=json")
    assert response.status_code == 200
    document = response.json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    create = document["paths"]["/api/v1/invitations/"]["post"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in create["parameters"]]
    assert "Scope: `members.edit`." in create["description"]
    assert set(create["responses"]) == {"201", "400", "401", "403", "409", "422", "429"}
    assert create["responses"]["422"]["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/Error"


def test_the_document_is_valid_openapi_and_warns_of_nothing(capsys):
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    assert "warning" not in capsys.readouterr().err.lower()


def test_the_reference_pages_carry_no_inline_script(db):
    for path in ("/api/v1/docs/", "/api/v1/redoc/"):
        response = Client().get(path)
        assert response.status_code == 200
        page = response.content.decode()
        assert "<script>" not in page
        assert "https://" not in page
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
    script = Client().get("/api/v1/docs/?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert '"/api/v1/schema/"' in script.content.decode()
