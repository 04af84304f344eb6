"""A role that sees its own records only: somebody else's is nowhere, on no page and in no answer, and cannot be changed."""

import re
from contextlib import suppress
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from accounts.models import Workspace
from campaigns.models import StepRun
from leadgen.core.tenancy import TenantModel, tenant_models, workspace_scope
from leadgen.core.visibility import restricted_models
from prospects.models import Activity, AgreementVersion, BulkAct, Import, Offer, Person
from prospects.queries.visibility import keys_of
from tests.every.routes import Route, api_routes, pages
from tests.every.test_crawl import MODELS, WORDS, _answer, _path
from tests.every.world import fill_workspace
from tests.factories.accounts import Someone, make_member
from tests.factories.prospects import make_activity

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MARK = "DORASSECRETS"
# Tables that refer to a record and are not asked for it, and why that shows nothing.
SHARED = {
    "CompanyKeys": "hashes, by which duplicates are found across owners",
    "PersonKeys": "hashes, by which duplicates are found across owners",
    "CompanyFit": "a number, read beside its company",
    "PersonFit": "a number, read beside its person",
    "Engagement": "a number, read beside its person",
    "PointEntry": "numbers, read beside their person",
    "HitVerdict": "a verdict, read beside its hit",
    "MergeMove": "keys, read by the undo of a merge that is seen",
}


def test_every_table_that_leads_to_a_record_is_seen_with_it_or_said_not_to_be() -> None:
    """Tables that refer, in however many steps, to a record somebody owns."""
    known = set(restricted_models())
    begun = {Import, BulkAct}  # of whoever began them; what names one (an order, a template) holds nothing of its rows
    leading = set(known)
    while True:
        targets = leading - begun
        more = {
            m for m in tenant_models() if any(f.related_model in targets for f in m._meta.concrete_fields)
        } - leading
        if not more:
            break
        leading |= more
    assert {m.__name__ for m in leading - known} == {*SHARED}
    assert {"Person", "Company", "Lead", "Deal", "Task", "Handoff", "Activity", "Message", "InboundMail"} <= {
        m.__name__ for m in known
    }


@pytest.fixture
def dora(acme: Workspace) -> Someone:
    """Another SDR of acme."""
    return make_member(acme, "sdr", "dora@acme.example")


@pytest.fixture
def world(acme: Workspace, dora: Someone) -> dict[type[TenantModel], TenantModel]:
    """One row of every table, all of them Dora's; whoever is not an owner, admin or RevOps sees their own."""
    acme.visibility = dict.fromkeys(("sdr", "ae", "marketer", "leader", "viewer"), "own")
    with workspace_scope(acme.pk):
        acme.save()
    made = fill_workspace(acme, dora.member, MARK)
    with workspace_scope(acme.pk):
        AgreementVersion.objects.update(state=AgreementVersion.State.SIGNED)  # as in every workspace that works
        Offer.objects.update(channels=["email"])
        _tie(made)
        made[Activity] = make_activity(made[Person], summary=f"{MARK}-Noted-summary")
        StepRun.objects.update(outcome="sent")  # a word of ours, counted on the sequence's page
    return made


def _tie(made: dict[type[TenantModel], TenantModel]) -> None:
    """Let rows that were made before what they may refer to refer to it; what excludes each other stays as it is."""
    for model in {*restricted_models()} - {Activity}:
        for name, target in keys_of(model).items():
            with suppress(DatabaseError), transaction.atomic():
                model.objects.filter(pk=made[model].pk, **{f"{name}__isnull": True}).update(**{name: made[target]})


def _fingerprint() -> dict[str, str]:
    found = {}
    with connection.cursor() as cursor:
        for model in restricted_models():
            table = model._meta.db_table
            cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM {table} t")
            found[table] = cursor.fetchone()[0]
    return found


def _secrets() -> re.Pattern[bytes]:
    # The activity of the world is about nobody, so it is everybody's; the one about a person says "Noted".
    names = "|".join(["Noted", *(model.__name__ for model in restricted_models() if model is not Activity)])
    return re.compile(rf"{MARK}-(?:{names})-\w+".encode())


def _hidden(route: Route) -> bool:
    """Whether the address names a record of somebody."""
    for param in route.params:
        if param == "pk":
            view = route.callback.cls
            model = getattr(view, "model", None) or view.queryset.model
        else:
            stem = param.removesuffix("_id").replace("_", "")
            model = MODELS.get({"importrun": "import"}.get(stem, stem)) if param not in WORDS else None
        if model in restricted_models():
            return True
    return False


def _crawl(client: Client, token: Client, world: Any) -> list[str]:
    found, secrets = [], _secrets()
    client.raise_request_exception = token.raise_request_exception = False
    calls = [
        (client, route, method)
        for route in pages()
        for method in ("get", "post")
        if method == "get" or route.params[1:]
    ]
    calls += [(token, r, method) for r in api_routes() for method in r.actions if method == "get" or r.params]
    for caller, route, method in calls:
        if method != "get" and not _hidden(route):
            continue
        path = _path(route, world, "acme")
        response = _answer(caller, method, path)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        where = f"{method.upper()} {route} {path}: {response.status_code}"
        if response.status_code >= 500:
            found.append(where)
        if seen := set(secrets.findall(body)):
            found.append(f"{where} shows {sorted(seen)}")
        # 400: the body is refused before the row is looked up.
        if _hidden(route) and response.status_code not in {403, 404, 405, *((400, 422) if method != "get" else ())}:
            found.append(f"{where}, not 404")
    return found


def test_a_role_that_sees_its_own_finds_nothing_of_anybody_elses(
    acme: Workspace, world: Any, as_: Any, api: Any
) -> None:
    """A leader: the role that may do most among those that can be restricted."""
    somebody = make_member(acme, "leader", "other@acme.example")
    with workspace_scope(acme.pk):
        before = _fingerprint()
    found = _crawl(as_(somebody), api(somebody), world)
    assert not found, "\n".join(found)
    with workspace_scope(acme.pk):
        assert _fingerprint() == before


def test_whose_they_are_sees_them(acme: Workspace, world: Any, as_: Any, dora: Someone, alice: Someone) -> None:
    """The same crawl by their owner, and by one who sees all, finds them: or it would prove nothing."""
    for someone in (dora, alice):
        client, secrets, seen = as_(someone), _secrets(), set()
        for route in pages():
            if route.params == ("slug",) and route.name in ("person_list", "company_list", "lead_list", "deal_list"):
                seen |= set(secrets.findall(client.get(_path(route, world, "acme")).content))
        for model in ("Person", "Company", "Deal"):
            assert any(f"-{model}-".encode() in found for found in seen), (someone.member.role, model, seen)
