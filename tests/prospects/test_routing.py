"""Routing: company owner first, then a rotation by deficit under capacity; the receipt says why; nobody is favoured."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.actions.audit import SYSTEM
from accounts.models import Member, Workspace
from prospects.actions.leads import open_lead
from prospects.actions.routing import route_lead
from prospects.models import Lead
from prospects.rules.routing import Candidate, choose
from tests.conftest import NOW
from tests.factories.accounts import make_member
from tests.factories.prospects import make_company, make_lead, make_person

ANA, TOM, MEI = (uuid.UUID(int=number) for number in (1, 2, 3))


@settings(max_examples=100, deadline=None)
@given(capacities=st.lists(st.integers(1, 40), min_size=1, max_size=8), leads=st.integers(1, 200))
def test_everybody_gets_their_share_within_one_lead(capacities: list[int], leads: int) -> None:
    given_out: Counter[uuid.UUID] = Counter()
    last: dict[uuid.UUID, datetime] = {}
    ids = [uuid.UUID(int=number + 1) for number in range(len(capacities))]
    for number in range(leads):
        candidates = [
            Candidate(key, str(key.int), capacity, open=0, given=given_out[key], last=last.get(key))
            for key, capacity in zip(ids, capacities, strict=True)
        ]
        chosen = choose(candidates, role="SDR").chosen
        assert chosen is not None
        given_out[chosen] += 1
        last[chosen] = datetime(2026, 3, 4, tzinfo=UTC) + timedelta(minutes=number)
    for key, capacity in zip(ids, capacities, strict=True):
        # Nobody gets a lead they are not due: seniority or the alphabet give nothing.
        assert given_out[key] < leads * capacity / sum(capacities) + 1


def test_the_holder_comes_first_then_the_company_owner_then_the_rotation() -> None:
    ana, tom = Candidate(ANA, "Ana", 8, open=6, given=9), Candidate(TOM, "Tom", 8, open=2, given=3)
    assert choose([ana, tom], role="SDR", holder=ANA).words == "Ana holds this lead already"
    owned = choose([ana, tom], role="SDR", company_owner=ANA, company="Lumen Robotics")
    assert (owned.chosen, owned.words) == (ANA, "Ana owns Lumen Robotics, 6 of 8 open")
    turn = choose([ana, tom], role="SDR")
    assert (turn.chosen, turn.words) == (TOM, "Rotation: Tom had 3 of 12 lately, is due 6.5; 2 of 8 open")
    assert [row["name"] for row in turn.considered] == ["Ana", "Tom"]


def test_capacity_is_never_exceeded_and_the_receipt_says_who_was_full() -> None:
    full, free = Candidate(ANA, "Ana", 5, open=5), Candidate(TOM, "Tom", 5, open=4, given=30)
    passed = choose([full, free], role="SDR", company_owner=ANA, company="Kite")
    assert passed.chosen == TOM
    assert passed.words.startswith("Ana, who owns Kite, is full (5 of 5). Rotation: Tom")
    nobody = choose([full], role="SDR")
    assert (nobody.chosen, nobody.rule) == (None, "full")
    assert nobody.words == "Everybody is at capacity (Ana 5 of 5): it waits"
    assert choose([], role="SDR").words == "No active SDR in this workspace: it waits for whoever takes it"


@pytest.mark.django_db
def test_inbound_leads_spread_evenly_over_active_sdrs(in_acme: Workspace) -> None:
    first, second = (make_member(in_acme, "sdr", f"sdr{n}@acme.example").member for n in (1, 2))
    gone = make_member(in_acme, "sdr", "gone@acme.example").member
    Member.objects.filter(pk=gone.pk).update(is_active=False)
    make_member(in_acme, "ae", "ae@acme.example")
    for number in range(6):
        open_lead(
            origin="inbound",
            at=NOW,
            now=NOW + timedelta(minutes=number),
            by=SYSTEM,
            person=make_person(),
            channel="seo",
        )
    held = Counter(Lead.objects.values_list("owner", flat=True))
    assert held == {first.pk: 3, second.pk: 3}
    assert all(Lead.objects.values_list("routed_at", flat=True))


@pytest.mark.django_db
def test_a_lead_nobody_has_room_for_waits_with_its_reason(in_acme: Workspace) -> None:
    sdr = make_member(in_acme, "sdr", "sdr@acme.example").member
    Member.objects.filter(pk=sdr.pk).update(capacity=1)
    make_lead(make_person(), owner=sdr)
    lead = make_lead(make_person("Tom Okafor", make_company("Kite")))
    receipt = route_lead(lead=lead, now=NOW)
    lead.refresh_from_db()
    assert receipt.chosen is None and lead.owner is None
    assert lead.route_reason == "Everybody is at capacity (Sdr 1 of 1): it waits"
