"""Settings: the overview, and the workspace's own facts."""

from decimal import Decimal

from accounts.models import AuditEntry, Workspace
from leadgen.core.tenancy import workspace_scope

EDIT = {
    "name": "Acme Robotics",
    "time_zone": "Europe/Lisbon",
    "currency": "CHF",
    "work_start": "08:30",
    "work_end": "17:30",
    "postal_address": "Acme, 2 New Street, Lisbon",
    "gross_margin": "72.5",
    "assumed_churn": "1.5",
}


def test_overview_names_only_pages_the_role_may_open(as_, alice, bob):
    owner = as_(alice).get("/w/acme/settings/").content.decode()
    assert "/w/acme/settings/audit/" in owner
    assert "/w/acme/settings/tokens/" in owner
    sdr = as_(bob).get("/w/acme/settings/").content.decode()
    assert "/w/acme/settings/members/" in sdr
    assert "/w/acme/settings/audit/" not in sdr
    assert "/w/acme/settings/tokens/" not in sdr
    assert "/w/acme/settings/workspace/" not in sdr


def test_owner_changes_the_workspace_and_the_audit_log_has_old_and_new(as_, alice, acme):
    page = as_(alice).get("/w/acme/settings/workspace/").content.decode()
    assert 'value="80"' in page  # 0.8 is shown in percent
    response = as_(alice).post("/w/acme/settings/workspace/", EDIT)
    assert response.status_code == 302
    assert response["Location"] == "/w/acme/settings/"
    with workspace_scope(acme.pk):
        saved = Workspace.objects.get()
        assert saved.name == "Acme Robotics"
        assert saved.gross_margin == Decimal("0.725")
        assert saved.assumed_churn == Decimal("0.015")
        assert saved.work_start.isoformat() == "08:30:00"
        entry = AuditEntry.objects.get()
        assert entry.action == "workspace.updated"
        assert entry.member_id == alice.member.pk
        assert entry.detail["changes"]["currency"] == ["EUR", "CHF"]
        assert entry.detail["changes"]["name"] == ["Acme", "Acme Robotics"]


def test_saving_without_a_change_writes_no_audit_row(as_, alice, acme):
    same = EDIT | {
        "name": "Acme", "time_zone": "Europe/Berlin", "currency": "EUR", "work_start": "09:00", "work_end": "17:00",
        "postal_address": "Acme, 1 Test Street, Berlin", "gross_margin": "80", "assumed_churn": "2",
    }  # fmt: skip
    assert as_(alice).post("/w/acme/settings/workspace/", same).status_code == 302
    with workspace_scope(acme.pk):
        assert not AuditEntry.objects.exists()


def test_a_day_that_ends_before_it_starts_is_refused_in_words(as_, alice, acme):
    response = as_(alice).post("/w/acme/settings/workspace/", EDIT | {"work_end": "08:00"})
    assert response.status_code == 422
    assert "The working day must end after it starts." in response.content.decode()
    with workspace_scope(acme.pk):
        assert Workspace.objects.get().name == "Acme"


def test_an_sdr_may_not_change_it_and_nothing_changes(as_, bob, acme):
    assert as_(bob).get("/w/acme/settings/workspace/").status_code == 403
    assert as_(bob).post("/w/acme/settings/workspace/", EDIT).status_code == 403
    with workspace_scope(acme.pk):
        assert Workspace.objects.get().name == "Acme"
        assert not AuditEntry.objects.exists()


def test_an_outsider_finds_no_such_workspace(as_, charlie, acme):
    assert as_(charlie).get("/w/acme/settings/").status_code == 404
    assert as_(charlie).post("/w/acme/settings/workspace/", EDIT).status_code == 404
    with workspace_scope(acme.pk):
        assert Workspace.objects.get().name == "Acme"


def test_the_health_dot_says_when_no_worker_answers(as_, alice):
    from leadgen.core.health import beat

    client = as_(alice)
    assert "No worker answers" in client.get("/w/acme/health/").content.decode()
    beat("worker")
    fragment = client.get("/w/acme/health/").content.decode()
    assert "Workers running" in fragment
    assert "<html" not in fragment
