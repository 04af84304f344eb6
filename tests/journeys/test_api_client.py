"""The example client of docs/ against a running server: every call it shows works, and a second run makes nothing twice."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from accounts.authentication import TokenThrottle, hash_secret, token_text
from accounts.models import ApiToken
from campaigns.models import Enrolment, Sequence, SequenceVersion
from leadgen.core.tenancy import workspace_scope
from prospects.models import Activity, Campaign, Company, Deal, Lead, Person, Spend, Task
from tests.conftest import NOW
from tests.factories.accounts import Someone

pytestmark = pytest.mark.django_db(transaction=True)
CLIENT = Path(__file__).resolve().parents[2] / "docs" / "api_client.py"
WRITTEN = (Company, Person, Activity, Lead, Deal, Campaign, Sequence, SequenceVersion, Enrolment, Task, Spend)
SECRET = "a-secret-for-the-example-client"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("api_client", CLIENT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def token(alice: Someone) -> str:
    with workspace_scope(alice.workspace.pk):
        ApiToken.objects.create(
            name="example", member=alice.member, prefix=SECRET[:6], secret_hash=hash_secret(SECRET), scopes=["*"],
            created_at=NOW,
        )  # fmt: skip
    return token_text(alice.workspace.pk, SECRET)


def counts(workspace: Any) -> dict[str, int]:
    with workspace_scope(workspace.pk):
        return {model.__name__: model.objects.count() for model in WRITTEN}


def test_the_demo_makes_what_it_says_and_a_second_run_makes_nothing_twice(
    example: ModuleType, live_server: Any, token: str, alice: Someone, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--url", live_server.url, "--token", token, "demo"]
    assert example.main(command) == 0
    said = capsys.readouterr().out
    with workspace_scope(alice.workspace.pk):
        person = Person.objects.select_related("company").get(external_id="crm-p-1")
        assert (person.email, person.company.domain) == ("ada.mohr@lumen.example", "lumen.example")
        lead = Lead.objects.get(external_id="crm-l-1")
        assert (lead.person_id, lead.stage, lead.channel) == (person.pk, "opportunity", "event")
        deal = Deal.objects.get(external_id="crm-d-1")
        assert (deal.lead_id, str(deal.value), deal.currency) == (lead.pk, "24000.00", "EUR")
        assert Activity.objects.filter(kind="note", person=person).count() == 1
        campaign = Campaign.objects.get(external_id="crm-k-1")
        assert (campaign.state, lead.campaign_id) == ("active", campaign.pk)
        enrolment = Enrolment.objects.select_related("version", "sequence").get(external_id="crm-e-1")
        assert (enrolment.person_id, enrolment.sequence.campaign_id) == (person.pk, campaign.pk)
        assert (enrolment.state, enrolment.version.number) == ("active", 1)
        assert enrolment.version.published_at is not None
        task = Task.objects.get(external_id="crm-t-1")
        assert (task.kind, task.state, task.person_id) == ("todo", "open", person.pk)
        spend = Spend.objects.get(external_id="crm-s-1")
        assert (str(spend.amount), spend.currency, spend.campaign_id) == ("1200.00", "EUR", campaign.pk)
    assert "Eligible: 1; blocked: []" in said
    assert "1 open deals, 1 open tasks" in said
    assert "1 leads, 1 opportunities, pipeline 24000.00, spend 1200.00" in said
    before = counts(alice.workspace)
    assert example.main(command) == 0
    assert counts(alice.workspace) == before
    assert "Eligible: 0; blocked: ['" in capsys.readouterr().out


def test_rows_come_page_after_page(example: ModuleType, live_server: Any, token: str) -> None:
    api = example.Client(live_server.url, token)
    for number in range(5):
        api.upsert("companies", f"c-{number}", name=f"Company {number}")
    found = [row["name"] for row in api.rows("companies/", limit=2, sort="name")]
    assert found == [f"Company {number}" for number in range(5)]


def test_a_throttled_call_waits_as_long_as_the_server_says(
    example: ModuleType, live_server: Any, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, waited = [1_000_000.0], []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(TokenThrottle, "rate", "2/min", raising=False)
    monkeypatch.setattr(TokenThrottle, "timer", lambda self: clock[0])
    api = example.Client(live_server.url, token, wait=wait)
    assert [api.call("GET", "workspace/")["slug"] for _ in range(3)] == ["acme"] * 3
    assert len(waited) == 1 and 30 <= waited[0] <= 61


def test_an_idempotency_key_repeats_the_answer_and_not_the_effect(
    example: ModuleType, live_server: Any, token: str, alice: Someone
) -> None:
    api = example.Client(live_server.url, token)
    first, second = (api.call("POST", "companies/", {"name": "Once"}, key="key-1") for _ in range(2))
    assert first == second
    assert counts(alice.workspace)["Company"] == 1
    with pytest.raises(example.ApiError) as refused:
        api.call("POST", "companies/", {"name": "Another"}, key="key-1")
    assert (refused.value.status, refused.value.code) == (422, "idempotency_key_reused")


def test_refusals_are_told_in_the_servers_words(
    example: ModuleType, live_server: Any, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api = example.Client(live_server.url, token)
    with pytest.raises(example.ApiError) as refused:
        api.upsert("people", "crm-p-9", first_name="No", email="not an address")
    assert (refused.value.status, refused.value.field) == (400, "email")
    assert example.main(["--url", live_server.url, "--token", "lg_wrong", "list", "people"]) == 1
    assert capsys.readouterr().err.startswith("401 ")


def test_list_prints_a_line_of_json_a_row(
    example: ModuleType, live_server: Any, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    example.Client(live_server.url, token).upsert("people", "crm-p-1", first_name="Ada", email="ada@lumen.example")
    assert example.main(["--url", live_server.url, "--token", token, "list", "people"]) == 0
    assert [json.loads(line)["email"] for line in capsys.readouterr().out.splitlines()] == ["ada@lumen.example"]
