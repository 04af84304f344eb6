"""Enrichment as its users meet it: pages and API, from a provider to what it wrote."""

import json
from collections.abc import Callable

import time_machine
from django.test import Client

from accounts.models import Workspace
from leadgen.core.tenancy import workspace_scope
from prospects.actions.enrichment import run_lane
from prospects.models import (
    EnrichmentProvider,
    EnrichmentRun,
)
from tests.conftest import NOW
from tests.factories.accounts import Someone
from tests.factories.prospects import make_company
from tests.web_server import WebServer


def test_on_pages(
    acme: Workspace, alice: Someone, bob: Someone, as_: Callable[[Someone], Client], server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
    ops, sdr = as_(alice), as_(bob)
    start = {"subject": "companies", "selected": str(lumen.pk)}
    with time_machine.travel(NOW, tick=False):
        assert sdr.post("/w/acme/enrichment/start/", start, follow=True).status_code in (200, 400, 409, 422)
        form = {"name": "Clear", "subject": "companies", "url": server.url + "/Clear?d={domain}", "method": "GET", "headers": "X-Key: s3cret",
                "mapping": '{"industry": "c.industry"}', "price": "0.05", "per": "call", "cache_days": "30", "is_active": "on"}  # fmt: skip
        assert sdr.post("/w/acme/enrichment/providers/new/", form).status_code == 403
        wrong = ops.post("/w/acme/enrichment/providers/new/", form | {"mapping": '{"owner": "x"}'})
        assert wrong.status_code == 422 and "none of" in wrong.content.decode()
        assert ops.post("/w/acme/enrichment/providers/new/", form).status_code == 302
        page = ops.get("/w/acme/enrichment/").content.decode()
        assert "Clear" in page and "s3cret" not in page
        with workspace_scope(acme.pk):
            provider = EnrichmentProvider.objects.get()
        assert "s3cret" not in ops.get(f"/w/acme/enrichment/providers/{provider.pk}/").content.decode()
        server.page("/Clear", json.dumps({"c": {"industry": "Machinery"}}))
        sdr.post("/w/acme/enrichment/start/", start)
        run_lane(acme.pk, now=NOW)
        with workspace_scope(acme.pk):
            run = EnrichmentRun.objects.get()
        shown = sdr.get(f"/w/acme/enrichment/runs/{run.pk}/").content.decode()
        assert "Machinery" in shown and "Write all 1" in shown and server.asked[-1][2]["x-key"] == "s3cret"
        sdr.post(f"/w/acme/enrichment/runs/{run.pk}/write/", {"act": "all"})
        company_page = sdr.get(f"/w/acme/companies/{lumen.pk}/").content.decode()
        assert "Machinery" in company_page and "Enriched" in company_page and "Clear" in company_page
        assert "Lumen" in sdr.get("/w/acme/enrichment/runs/").content.decode()


def test_the_api(
    acme: Workspace, alice: Someone, charlie: Someone, api: Callable[..., Client], server: WebServer
) -> None:
    with workspace_scope(acme.pk):
        lumen = make_company("Lumen", domain="lumen.example")
    client, outsider = api(alice), api(charlie)
    with time_machine.travel(NOW, tick=False):
        made = client.post(
            "/api/v1/enrichment-providers/",
            {"kind": "http", "name": "Clear", "url": server.url + "/Clear?d={domain}", "mapping": {"industry": "c.industry"}, "headers": {"X-Key": "s3cret"}},
            content_type="application/json",
        )  # fmt: skip
        assert (
            made.status_code == 201 and "s3cret" not in made.content.decode() and made.json()["gives"] == ["industry"]
        )
        server.page("/Clear", json.dumps({"c": {"industry": "Machinery"}}))
        run = client.post(
            "/api/v1/enrichment-runs/",
            {"subject": "companies", "ids": [str(lumen.pk)]},
            content_type="application/json",
        ).json()
        run_lane(acme.pk, now=NOW)
        items = client.get(f"/api/v1/enrichment-runs/{run['id']}/items/").json()
        assert items[0]["proposal"]["industry"]["value"] == "Machinery"
        assert outsider.get(f"/api/v1/enrichment-runs/{run['id']}/").status_code == 404
        assert (
            outsider.post(
                "/api/v1/enrichment-runs/",
                {"subject": "companies", "ids": [str(lumen.pk)]},
                content_type="application/json",
            ).status_code
            == 400
        )
        written = client.post(f"/api/v1/enrichment-runs/{run['id']}/write/", {}, content_type="application/json")
        assert written.json() == {"written": 1}
        assert client.get(f"/api/v1/companies/{lumen.pk}/").json()["industry"] == "Machinery"
        assert client.get(f"/api/v1/enrichment-runs/{run['id']}/").json()["counts"]["written"] == 1
