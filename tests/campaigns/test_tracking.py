"""Own tracking domains: links of new mails use one once it was seen to lead here, and it serves public pages alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEntry
from campaigns.actions.clicks import classify_due_hits
from campaigns.actions.domains import add_domain, check_domain, remove_domain, update_domain
from campaigns.models import LinkHit, MailDomain, Message, TrackedLink
from campaigns.queries.domains import tracking_base
from campaigns.queries.hosts import forget_hosts, workspace_of_host
from campaigns.queries.mail import click_url, freeze_message, hidden_url, unsubscribe_url
from campaigns.rules.hits import SETTLE
from campaigns.rules.links import find_links, same_links
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.inbound import keyed_mailbox, sent_to
from tests.conftest import NOW
from tests.dns_server import DnsServer, dns_server
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
HOST = "go.acme.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"


@pytest.fixture(autouse=True)
def server(settings: Any) -> Iterator[DnsServer]:
    forget_hosts()
    with dns_server() as found:
        settings.DNS_SERVERS = [f"127.0.0.1:{found.port}"]
        settings.SITE_URL = "https://app.leadgen.example"
        settings.ALLOWED_HOSTS = ["app.leadgen.example"]
        yield found
    forget_hosts()


@pytest.fixture
def verified(acme: Any, by_alice: Any, server: DnsServer) -> MailDomain:
    with workspace_scope(acme.pk):
        domain = add_domain(name=HOST, role="tracking", by=by_alice, now=NOW)
        assert domain.tracking_target == "app.leadgen.example"
    server.add(HOST, "CNAME", "app.leadgen.example.")
    check_domain(workspace_id=acme.pk, key=HOST, now=NOW)
    with workspace_scope(acme.pk):
        domain.refresh_from_db()
    assert domain.verified_at == NOW
    return domain


@pytest.fixture
def message(acme: Any) -> Message:
    with workspace_scope(acme.pk):
        found = sent_to(make_person("Ana Ferreira"), keyed_mailbox())
        found.text = "See https://acme.example/a and https://acme.example/b"
        for link in freeze_message(found, workspace=acme, now=NOW):
            link.save(force_insert=True)
        return found


def get(url: str, host: str = HOST, **extra: Any) -> Any:
    path = url.partition("://")[2].partition("/")[2] if "://" in url else url.lstrip("/")
    return Client().get(f"/{path}", headers={"Host": host, "User-Agent": BROWSER} | extra)


def test_links_move_to_the_domain_only_when_it_was_seen_to_lead_here(
    acme: Any, by_alice: Any, server: DnsServer
) -> None:
    with workspace_scope(acme.pk):
        add_domain(name=HOST, role="tracking", by=by_alice, now=NOW)
    assert check_domain(workspace_id=acme.pk, key=HOST, now=NOW) == timedelta(hours=1), "somebody waits for it"
    with workspace_scope(acme.pk):
        assert tracking_base(acme.pk) == "https://app.leadgen.example"
    server.add(HOST, "CNAME", "app.leadgen.example.")
    assert check_domain(workspace_id=acme.pk, key=HOST, now=NOW + timedelta(days=1)) == timedelta(days=1)
    with workspace_scope(acme.pk):
        assert tracking_base(acme.pk) == f"https://{HOST}"
    server.failing.add(HOST)
    check_domain(workspace_id=acme.pk, key=HOST, now=NOW + timedelta(days=2))
    with workspace_scope(acme.pk):
        assert tracking_base(acme.pk) == f"https://{HOST}", "a silent name server proves nothing"
    server.failing.clear()
    server.records[HOST, "CNAME"] = ["elsewhere.example."]
    check_domain(workspace_id=acme.pk, key=HOST, now=NOW + timedelta(days=3))
    with workspace_scope(acme.pk):
        assert tracking_base(acme.pk) == "https://app.leadgen.example"
        actions = AuditEntry.objects.order_by("at", "id").values_list("action", flat=True)
        assert list(actions) == ["domain.added", "domain.verified", "domain.unverified"]


def test_a_frozen_mail_uses_it_in_both_parts_and_hides_one_link_from_people(
    acme: Any, verified: MailDomain, message: Message
) -> None:
    with workspace_scope(acme.pk):
        secret = hidden_url(message)
        links = find_links(message.text)
        assert all(url.startswith(f"https://{HOST}/p/") for url in links), links
        assert len(links) == 3  # two links and the unsubscribe
        assert unsubscribe_url(message) in links
    assert same_links(message.text, message.html)
    assert message.html.count(secret) == 1
    assert secret not in message.text


def test_the_host_serves_public_pages_without_cookies_and_nothing_else(
    acme: Any, alice: Any, as_: Any, verified: MailDomain, message: Message
) -> None:
    with workspace_scope(acme.pk):
        link = TrackedLink.objects.order_by("position").first()
        assert link is not None
        click, gone = click_url(link), unsubscribe_url(message)
    answer = get(click)
    assert (answer.status_code, answer["Location"]) == (302, "https://acme.example/a")
    assert not answer.cookies
    page = get(gone)
    assert page.status_code == 200
    assert not page.cookies
    path = gone.partition(HOST)[2]
    posted = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"}, headers={"Host": HOST})
    assert posted.status_code == 200
    client = as_(alice)
    for url in ("/", "/w/acme/people/", "/accounts/login/", "/api/v1/people/", "/livez", "/p"):
        assert client.get(url, headers={"Host": HOST}).status_code == 404, url
    assert client.get("/w/acme/people/", headers={"Host": "app.leadgen.example"}).status_code == 200
    assert get(click, host="other.example").status_code == 400
    assert get(click, host="evil.example:443").status_code == 400
    with workspace_scope(acme.pk):
        assert LinkHit.objects.count() == 1


def test_another_workspaces_links_are_not_served_there(
    acme: Any, globex: Any, verified: MailDomain, message: Message
) -> None:
    with workspace_scope(globex.pk):
        foreign = sent_to(make_person("Bo Berg"), keyed_mailbox())
        foreign.text, foreign.kind = "See https://globex.example/", Message.Kind.MANUAL
        (link,) = freeze_message(foreign, workspace=globex, now=NOW)
        link.save(force_insert=True)
        url = click_url(link)
    assert url.startswith("https://app.leadgen.example/")
    assert get(url, host="app.leadgen.example").status_code == 302
    assert get(url, host=HOST).status_code == 404
    with workspace_scope(globex.pk):
        assert LinkHit.objects.count() == 1


def test_a_proxy_may_ask_for_a_certificate_for_verified_domains_only(
    acme: Any, by_alice: Any, verified: MailDomain
) -> None:
    def ask(name: str) -> int:
        return get(f"/p/tls-ask?domain={name}", host="app.leadgen.example").status_code

    assert (ask(HOST), ask(f"{HOST.upper()}."), ask("other.example"), ask(""), ask("x" * 300)) == (
        200,
        200,
        404,
        404,
        404,
    )
    assert workspace_of_host(HOST) == acme.pk
    with workspace_scope(acme.pk):
        update_domain(domain=verified, changes={"role": "sending"}, by=by_alice, now=NOW)
        assert (verified.verified_at, verified.tracking_target) == (None, "")
    assert ask(HOST) == 404
    with workspace_scope(acme.pk):
        remove_domain(domain=verified, by=by_alice, now=NOW)
    assert workspace_of_host(HOST) is None


def test_the_settings_page_and_the_api_show_classes_and_class_again(
    acme: Any, alice: Any, bob: Any, as_: Any, api: Any, message: Message, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    with workspace_scope(acme.pk):
        urls = [click_url(link) for link in TrackedLink.objects.order_by("position")]
    with time_machine.travel(NOW + timedelta(hours=1), tick=False) as clock:
        get(urls[0], host="testserver")
        clock.shift(60)
        get(urls[1], host="testserver", **{"User-Agent": "curl/8"})
        classify_due_hits(now=NOW + timedelta(hours=2) + SETTLE)
        body = as_(bob).get("/w/acme/settings/tracking/").content.decode()
        assert "Classifier 2." in body
        assert "https://app.leadgen.example" in body
        assert as_(bob).post("/w/acme/settings/tracking/again/").status_code == 403
        assert as_(alice).post("/w/acme/settings/tracking/again/").status_code == 302
        token = api(alice)
        rows = token.get("/api/v1/hits/").json()["results"]
        assert sorted((row["hit_class"], row["url"], row["classifier"]) for row in rows) == [
            ("automated", "https://acme.example/b", 2), ("human", "https://acme.example/a", 2),
        ]  # fmt: skip
        assert token.post("/api/v1/hits/reclassify/").status_code == 202
        assert api(bob).post("/api/v1/hits/reclassify/").status_code == 403
        page = as_(alice).get(f"/w/acme/messages/{message.pk}/").content.decode()
        for words in ("a browser, in human time", "the user agent is a program&#x27;s", "(classifier 2)"):
            assert words in page, words
