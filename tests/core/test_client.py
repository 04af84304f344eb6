"""Whose address a request has: only what our own proxies wrote is believed, however the header is forged."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from accounts.actions.audit import SYSTEM
from accounts.authentication import TokenThrottle
from accounts.models import AuditEntry
from campaigns.actions.capture import create_form
from campaigns.models import Form, LinkHit, Submission, TrackedLink
from campaigns.queries.mail import click_url
from campaigns.views import hosted
from leadgen import env
from leadgen.core.client import address_behind
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.campaigns.test_capture import ANA, path
from tests.conftest import NOW
from tests.factories.accounts import PASSWORD
from tests.factories.prospects import make_person

PROXY, OUTER, VISITOR, FORGED = "10.0.0.2", "10.0.0.1", "203.0.113.9", "198.51.100.66"
NETWORKS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        # nobody is trusted: whatever stands there
        (0, VISITOR, FORGED, VISITOR),
        (0, "", FORGED, None),
        # so many proxies
        (1, PROXY, VISITOR, VISITOR),
        (1, PROXY, f"{FORGED}, {VISITOR}", VISITOR),
        (1, PROXY, f"{FORGED},{FORGED},{VISITOR}", VISITOR),
        (2, PROXY, f"{FORGED}, {VISITOR}, {OUTER}", VISITOR),
        (2, PROXY, VISITOR, PROXY),  # fewer than there should be: it came another way
        (1, PROXY, "", PROXY),
        (1, PROXY, f"{FORGED}, unknown", PROXY),
        (1, PROXY, f"{FORGED}, ", PROXY),
        (1, "", VISITOR, VISITOR),  # a socket file
        # networks
        (NETWORKS, PROXY, VISITOR, VISITOR),
        (NETWORKS, PROXY, f"{FORGED}, {VISITOR}, {OUTER}", VISITOR),
        (NETWORKS, VISITOR, f"{FORGED}, {OUTER}", VISITOR),  # past the proxies
        (NETWORKS, PROXY, f"{FORGED}, not-an-address, {OUTER}", OUTER),
        (NETWORKS, PROXY, OUTER, OUTER),  # somebody inside
        (NETWORKS, "fd00::1", "2001:db8::7", "2001:db8::7"),
        (NETWORKS, "", VISITOR, None),
        # as some proxies write it
        (1, PROXY, f"{VISITOR}:49152", VISITOR),
        (1, PROXY, '"[2001:db8::7]:49152"', "2001:db8::7"),
        (NETWORKS, f"::ffff:{PROXY}", f"::ffff:{VISITOR}", VISITOR),
    ],
)
def test_the_client_is_who_stands_before_our_own_proxies(trusted: Any, peer: str, forwarded: str, client: Any) -> None:
    found = address_behind(peer=peer, forwarded=forwarded, trusted=trusted)
    assert (str(found) if found else None) == client


def test_the_setting_is_a_number_or_networks_and_anything_else_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(value: str) -> Any:
        monkeypatch.setenv("TRUSTED_PROXIES", value)
        return env.proxies("TRUSTED_PROXIES")

    assert [read(""), read("0"), read("2")] == [0, 0, 2]
    assert read("10.0.0.0/8, fd00::/8") == NETWORKS
    assert read("192.0.2.4") == (ip_network("192.0.2.4/32"),)
    for wrong in ("caddy", "-1", "10.0.0.1/8", "1, 10.0.0.0/8", "*"):
        with pytest.raises(ImproperlyConfigured, match="neither a number of proxies nor a list of their networks"):
            read(wrong)


# --- as its users meet it: each with a header that somebody forged ---------------------------------------------------

TRUST = pytest.mark.parametrize(
    ("trusted", "seen"), [(0, PROXY), (1, VISITOR), (NETWORKS, VISITOR)], ids=["nobody", "one proxy", "networks"]
)
BEHIND: dict[str, Any] = {"REMOTE_ADDR": PROXY, "headers": {"X-Forwarded-For": f"{FORGED}, {VISITOR}"}}


def forging(n: int, visitor: str = VISITOR) -> dict[str, Any]:
    """A visitor behind the proxy who writes another address of their own each time."""
    return {"REMOTE_ADDR": PROXY, "headers": {"X-Forwarded-For": f"198.51.100.{n}, {visitor}"}}


@pytest.fixture(autouse=True)
def one_moment() -> Iterator[None]:
    """All limits count within one window, from nothing."""
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


@pytest.fixture
def form(acme: Any) -> Form:
    with workspace_scope(acme.pk):
        return create_form(by=SYSTEM, now=NOW, name="Contact", title="Ask us")


@pytest.mark.django_db
@TRUST
def test_a_click_and_a_submission_are_kept_with_the_visitors_address(
    acme: Any, form: Form, settings: Any, trusted: Any, seen: str
) -> None:
    settings.TRUSTED_PROXIES = trusted
    with workspace_scope(acme.pk):
        message = sent_to(make_person("Ana Ferreira"), keyed_mailbox())
        link = TrackedLink.objects.create(message=message, position=1, url="https://acme.example/")
    assert Client().get("/p/c/" + click_url(link).partition("/p/c/")[2], **BEHIND).status_code == 302
    assert Client().post(path(form), ANA, **BEHIND).status_code == 200
    with workspace_scope(acme.pk):
        hit = LinkHit.objects.get()
        assert (hit.ip, Submission.objects.get().ip) == (seen, seen)
        assert hit.headers["X-Forwarded-For"] == f"{FORGED}, {VISITOR}", "as it came, beside it"


@pytest.mark.django_db
@TRUST
def test_the_audit_log_and_the_list_of_sessions_have_the_visitors_address(
    acme: Any, alice: Any, settings: Any, trusted: Any, seen: str
) -> None:
    settings.TRUSTED_PROXIES = trusted
    browser = Client(**BEHIND)
    answer = browser.post("/accounts/login/", {"login": alice.user.email, "password": PASSWORD})
    assert answer.status_code == 302
    sessions = browser.get("/accounts/sessions/").content.decode()
    assert seen in sessions and FORGED not in sessions
    invited = browser.post("/w/acme/settings/members/invite/", {"email": "new@acme.example", "role": "sdr"})
    assert invited.status_code == 302
    with workspace_scope(acme.pk):
        assert {row.ip for row in AuditEntry.objects.filter(source="user")} == {seen}


@pytest.mark.django_db
def test_a_new_forged_address_each_time_slips_past_no_limit(
    acme: Any, alice: Any, form: Form, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forms, log-in, and the API without a token; each with nobody trusted and behind a trusted proxy."""
    monkeypatch.setattr(hosted, "LIMIT", 2)
    monkeypatch.setattr(TokenThrottle, "THROTTLE_RATES", {"token": "2/min"})
    # Whether it is answered is asked, not what: to write the API's document takes over a second each time.
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *given, **named: {})
    settings.ACCOUNT_RATE_LIMITS = {"login": "2/m/ip"}
    wrong = {"login": alice.user.email, "password": "guess"}
    for trusted in (0, 1, NETWORKS):
        cache.clear()
        settings.TRUSTED_PROXIES = trusted
        sent = [Client().post(path(form), ANA, **forging(n)).status_code for n in range(3)]
        assert sent == [200, 200, 429], trusted
        tries = [Client().post("/accounts/login/", wrong, **forging(n)).status_code for n in range(3)]
        assert tries[-1] == 429 and 429 not in tries[:2], trusted
        asked = [Client().get("/api/v1/schema/", **forging(n)).status_code for n in range(3)]
        assert asked == [200, 200, 429], trusted


@pytest.mark.django_db
def test_two_visitors_behind_one_proxy_have_a_limit_each(
    form: Form, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosted, "LIMIT", 1)
    settings.TRUSTED_PROXIES = 1
    assert Client().post(path(form), ANA, **forging(1)).status_code == 200
    assert Client().post(path(form), ANA, **forging(2)).status_code == 429
    assert Client().post(path(form), ANA, **forging(3, "203.0.113.77")).status_code == 200
