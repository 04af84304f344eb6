"""Domains and click tracking in a real browser: no complaint, axe content, and (LEADGEN_SHOTS=dir) pictures to look at."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns.actions.clicks import classify_due_hits, record_hit
from campaigns.actions.domains import add_domain, check_domain
from campaigns.actions.seeds import note_seed
from campaigns.models import TrackedLink
from leadgen.core import clock
from leadgen.core.tenancy import workspace_scope
from tests.browser.accessibility import violations
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.campaigns.test_seeds import delivered
from tests.dns_server import dns_server
from tests.factories.prospects import make_person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
SHOTS = os.environ.get("LEADGEN_SHOTS", "")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36"


@pytest.fixture
def world(acme: Any, alice: Any, by_alice: Any, settings: Any) -> Iterator[dict[str, Any]]:
    now = clock.now()
    with dns_server() as server:
        settings.DNS_SERVERS = [f"127.0.0.1:{server.port}"]
        server.add("acme.example", "TXT", "v=spf1 include:_spf.google.com include:gone.example ?all", "x=verification")
        server.add("_spf.google.com", "TXT", "v=spf1 ip4:192.0.2.0/24 ~all")
        server.add("acme.example", "MX", "10 mx.acme.example.")
        server.add("mx.acme.example", "A", "192.0.2.1")
        server.add("_dmarc.acme.example", "TXT", "v=DMARC1; p=none; pct=20; rua=mailto:d@acme.example")
        with workspace_scope(acme.pk):
            mailbox = keyed_mailbox()
            domain = add_domain(name="acme.example", role="primary", by=by_alice, now=now)
            add_domain(name="go.acme.example", role="tracking", by=by_alice, now=now)
            add_domain(name="get-acme.example", by=by_alice, now=now)
            note_seed(mailbox=mailbox, raw=delivered(mailbox, "List-Unsubscribe"), now=now)
            message = sent_to(make_person("Ana Ferreira"), mailbox, at=now)
            links = [
                TrackedLink.objects.create(message=message, position=n, url=f"https://acme.example/offer/{n}")
                for n in range(1, 4)
            ]
            for n, (link, agent, method) in enumerate(
                [(None, "Mozilla/5.0 scan", "GET"), (links[0], "Mimecast", "HEAD"), (links[1], BROWSER, "GET")]
            ):
                record_hit(
                    message=message, link=link, method=method, user_agent=agent, ip="192.0.2.9", headers={},
                    now=now - timedelta(minutes=50 - 12 * n),
                )  # fmt: skip
        for name in ("acme.example", "go.acme.example"):
            check_domain(workspace_id=acme.pk, key=name, now=now)
        classify_due_hits(now=now)
        yield {"domain": domain, "message": message, "mailbox": mailbox}


@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1440, 900), ("dark", 390, 844)])
def test_pages_of_domains_and_tracking(
    world: dict[str, Any], alice: Any, seat: Any, theme: str, width: int, height: int
) -> None:
    window = seat(alice, theme=theme, width=width, height=height)
    pages = {
        "domains": "/w/acme/settings/domains/",
        "domain": f"/w/acme/settings/domains/{world['domain'].pk}/",
        "domain_new": "/w/acme/settings/domains/new/?role=tracking",
        "tracking": "/w/acme/settings/tracking/",
        "message": f"/w/acme/messages/{world['message'].pk}/",
        "mailbox": f"/w/acme/settings/mailboxes/{world['mailbox'].pk}/",
    }
    for name, path in pages.items():
        page = window.open(path)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{name} scrolls sideways at {width} pixels"
        if SHOTS:
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{theme}-{width}.png"))
            page.locator("main").first.evaluate("e => e.scrollTo(0, 700)")
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{theme}-{width}-down.png"))
        if name in {"domains", "domain", "tracking"}:
            assert violations(page) == []
    assert window.complaints == []
