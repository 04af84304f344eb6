"""Finding when something fails: refusals, rate limits, workers that die, pages paid for whose answer was lost."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from accounts.actions.audit import Actor
from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.finding import start_run
from prospects.actions.finding_lane import run_lane
from prospects.actions.finding_orders import order_results
from prospects.models import (
    Company,
    EnrichmentCharge,
    FindingResult,
    FindingRun,
    Import,
)
from tests.conftest import NOW
from tests.prospects.finding import answers, row, run, search_of, service
from tests.web_server import WebServer


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, {}, "refuses the key"), (402, {}, "plan is used up"), (500, {}, "answered 500"),
        (429, {"Retry-After": "999999"}, "quota is used up"), (200, {}, "is not JSON"), (422, {}, "does not understand"),
    ],
)  # fmt: skip
def test_a_service_that_fails_says_so_and_costs_nothing(
    acme: Workspace, by_alice: Actor, server: WebServer, status: int, headers: dict[str, str], words: str
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price={"request": "1"})
    server.pages["/c"] = (status, headers, b"<oops>")
    found = run(acme, by_alice, search_of(acme, by_alice, provider, wanted=2), price="1")
    assert found.state == "failed" and words in found.error and "s3cret" not in found.error
    with workspace_scope(acme.pk):
        assert EnrichmentCharge.objects.aggregate(total=Sum("amount"))["total"] == 0 == found.amount
        provider.refresh_from_db()
        assert words in provider.error


def test_a_rate_limit_is_waited_for_and_a_worker_that_died_costs_no_row_twice(
    acme: Workspace, by_alice: Actor, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server)
    answers(server, row(1), row(2), row(3))
    reply = server.pages["/c"]
    server.pages["/c"] = (429, {"Retry-After": "90"}, b"")
    search = search_of(acme, by_alice, provider)
    found = run(acme, by_alice, search)
    assert found.state == "asking" and found.due_at == NOW + timedelta(seconds=90) and "slow down" in found.error
    server.pages["/c"] = reply
    run_lane(acme.pk, now=NOW + timedelta(seconds=30))
    assert len(server.asked) == 1
    with monkeypatch.context() as patch:  # it dies after the first page was stored and the second asked for
        patch.setattr("prospects.actions.finding._keep", _die_at(2))
        with pytest.raises(RuntimeError):
            run_lane(acme.pk, now=NOW + timedelta(seconds=90))
    with workspace_scope(acme.pk):
        assert FindingResult.objects.count() == 2
        FindingRun.objects.update(taken_until=None)  # the lease runs out
    run_lane(acme.pk, now=NOW + timedelta(minutes=10))
    with workspace_scope(acme.pk):
        found.refresh_from_db()
        assert (found.state, found.seen, FindingResult.objects.count()) == ("done", 3, 3)
        ids = list(FindingResult.objects.values_list("pk", flat=True))
        order = order_results(search=search, by=by_alice, now=NOW, ids=ids, token="o", count=3, confirmed=Decimal(0))
    # Killed while the import runs: another worker goes on at its checkpoint.
    with monkeypatch.context() as patch:
        patch.setattr("prospects.actions.finding_orders._settle", _raise)
        with pytest.raises(RuntimeError):
            run_lane(acme.pk, now=NOW)
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        order.refresh_from_db()
        assert (order.state, Company.objects.count(), Import.objects.get().created_count) == ("done", 3, 3)


def test_a_paid_page_whose_answer_was_lost_with_its_worker_is_paid_again_only_by_a_person(
    acme: Workspace, by_alice: Actor, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server, price={"request": "0.10"})
    answers(server, row(1), row(2), row(3))
    search = search_of(acme, by_alice, provider)
    with monkeypatch.context() as patch:  # the second page is answered, and never kept
        patch.setattr("prospects.actions.finding._keep", _die_at(2))
        with pytest.raises(RuntimeError):
            run(acme, by_alice, search, price="0.50")
    for _ in range(2):  # however often the lease runs out
        with workspace_scope(acme.pk):
            FindingRun.objects.update(taken_until=None)
        run_lane(acme.pk, now=NOW + timedelta(minutes=10))
    with workspace_scope(acme.pk):
        found = FindingRun.objects.get()
        assert (found.state, found.seen, found.amount) == ("failed", 2, Decimal("0.20")) and "Page 2" in found.error
        assert EnrichmentCharge.objects.aggregate(total=Sum("amount"))["total"] == Decimal("0.20")
    assert len(server.asked) == 2
    again = run(acme, by_alice, search, token="t2", price="0.50")
    assert (again.state, again.seen, again.fresh, again.amount) == ("done", 3, 1, Decimal("0.20"))


def test_a_run_that_fails_at_the_same_page_again_and_again_ends_and_says_so(
    acme: Workspace, by_alice: Actor, server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace_scope(acme.pk):
        provider = service(server)
    answers(server, row(1), row(2), row(3))
    search = search_of(acme, by_alice, provider)
    with workspace_scope(acme.pk):
        found = start_run(search=search, by=by_alice, now=NOW, token="t1", confirmed=Decimal(0))
    monkeypatch.setattr("prospects.actions.finding.clean_row", _raise)
    for _ in range(5):
        with pytest.raises(RuntimeError):
            run_lane(acme.pk, now=NOW)
        with workspace_scope(acme.pk):
            FindingRun.objects.update(taken_until=None)  # the lease runs out
    run_lane(acme.pk, now=NOW)
    with workspace_scope(acme.pk):
        found.refresh_from_db()
        assert (found.state, found.error) == ("failed", "It stopped 5 times at page 1; the log says why.")
    assert len(server.asked) == 5


def _die_at(number: int) -> Callable[..., int]:
    from prospects.actions.finding import _keep

    calls = iter(range(1, 100))

    def keep(*args: Any) -> int:
        if next(calls) == number:
            raise RuntimeError("killed")
        return _keep(*args)

    return keep


def _raise(*args: Any) -> None:
    raise RuntimeError("killed")
