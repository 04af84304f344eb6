"""Domains: found by themselves, checked against a name server on loopback, with a role that may hold cold mail."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from campaigns.actions.dispatch import dispatch_once
from campaigns.actions.domains import (
    add_domain,
    ask_domain_check,
    check_domain,
    check_due_domains,
    ensure_domains,
    remove_domain,
    sweep_domains,
    update_domain,
)
from campaigns.models import DomainCheck, Mailbox, MailDomain, Message
from campaigns.queries.domains import cold_hold, cold_warning, states_of, suggested_primary
from leadgen.core import lanes
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.models import Lane
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.sink import running_sink
from tests.conftest import NOW
from tests.dns_server import DnsServer, dns_server
from tests.factories.campaigns import EMAIL, make_enrolment, make_mailbox, make_sequence
from tests.factories.prospects import make_person

pytestmark = pytest.mark.django_db
KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u+qKhbwKfBstIs+bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW/VDL5AaWTg0nLVkjRo9z+40RQzuVaE8AkAFmxZzow3x+VJYKdjykkJ0iT9wCS0DRTXu269V264Vf/3jvredZiKRkgwlL9xNAwxXFg0x/XFw005UWVRIkdgcKWTjpBP2dPwVZ4WWC+9aGVd+Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbcmwIDAQAB"  # fmt: skip


@pytest.fixture
def server(settings: Any) -> Iterator[DnsServer]:
    with dns_server() as found:
        settings.DNS_SERVERS = [f"127.0.0.1:{found.port}"]
        yield found


def good(server: DnsServer, name: str = "acme.example") -> None:
    server.add(name, "TXT", "v=spf1 ip4:192.0.2.1 ~all")
    server.add(name, "MX", f"10 mx.{name}.")
    server.add(f"mx.{name}", "A", "192.0.2.1")
    server.add(f"_dmarc.{name}", "TXT", f"v=DMARC1; p=reject; rua=mailto:d@{name}")
    # Longer than one string of a TXT record, and than one UDP answer of old.
    server.add(f"s1._domainkey.{name}", "TXT", f'"v=DKIM1; k=rsa; p={KEY[:200]}" "{KEY[200:]}"')


def kinds(domain: MailDomain) -> dict[str, str]:
    return {check.kind: check.state for check in states_of([domain])[domain.pk].checks}


def test_a_domain_in_order_and_what_breaks_it(acme: Any, by_alice: Any, server: DnsServer) -> None:
    good(server)
    with workspace_scope(acme.pk):
        domain = add_domain(name=" Acme.Example. ", by=by_alice, now=NOW)
        assert domain.name == "acme.example"
    assert check_due_domains(now=NOW) == 1
    with workspace_scope(acme.pk):
        domain.refresh_from_db()
        assert domain.checked_at == NOW
        assert kinds(domain) == dict.fromkeys(["spf", "dkim", "dmarc", "mx"], "ok")
        dkim = DomainCheck.objects.get(kind="dkim")
        assert (dkim.name, dkim.words, dkim.raw) == (
            "s1", "RSA 2048 bits at selector s1.", f"v=DKIM1; k=rsa; p={KEY}",
        )  # fmt: skip
        first = DomainCheck.objects.count()
    later = NOW.replace(day=6)
    assert check_due_domains(now=later) == 1, "once a day by itself"
    assert check_due_domains(now=later) == 0
    server.records["acme.example", "TXT"] = ['"v=spf1 +all"']
    del server.records["_dmarc.acme.example", "TXT"]
    server.failing.add("mx.acme.example")
    check_domain(workspace_id=acme.pk, key="acme.example", now=later.replace(day=7))
    with workspace_scope(acme.pk):
        domain.refresh_from_db()
        state = states_of([domain])[domain.pk]
        assert (state.state, state.label) == ("fail", "Fail")
        assert kinds(domain)["spf"] == kinds(domain)["dmarc"] == "fail"
        assert DomainCheck.objects.count() == 3 * first, "findings are appended"


def test_a_silent_server_and_one_that_fails_say_not_known(acme: Any, by_alice: Any, server: DnsServer) -> None:
    server.failing |= {"acme.example", "_dmarc.acme.example", "_dmarc.example"}
    with workspace_scope(acme.pk):
        domain = add_domain(name="acme.example", by=by_alice, now=NOW)
    check_domain(workspace_id=acme.pk, key=domain.name, now=NOW)
    with workspace_scope(acme.pk):
        domain.refresh_from_db()
        assert kinds(domain) == {"spf": "unknown", "dkim": "unknown", "dmarc": "unknown", "mx": "unknown"}
        assert "SERVFAIL" in DomainCheck.objects.get(kind="spf").words


def test_the_domains_of_mailboxes_appear_by_themselves_and_lost_lanes_come_back(acme: Any) -> None:
    with workspace_scope(acme.pk):
        make_mailbox(address="sam@get-acme.example")
        make_mailbox(address="ana@get-acme.example")
        assert ensure_domains(now=NOW) == 1
        assert ensure_domains(now=NOW) == 0
        row = MailDomain.objects.get()
        assert (row.name, row.role, row.hold_cold) == ("get-acme.example", "sending", False)
        Lane.objects.filter(kind="domains").delete()
        assert (sweep_domains(now=NOW), sweep_domains(now=NOW)) == (1, 0)


def test_names_roles_and_selectors_are_checked(acme: Any, by_alice: Any) -> None:
    with workspace_scope(acme.pk):
        for name in ("acme", "a b.example", "-x.example", "", "localhost", f"{'a' * 64}.example"):
            with pytest.raises(Invalid):
                add_domain(name=name, by=by_alice, now=NOW)
        domain = add_domain(name="https://Bücher.example/x", by=by_alice, now=NOW)
        assert domain.name == "xn--bcher-kva.example"
        with pytest.raises(Conflict, match="here already"):
            add_domain(name="xn--bcher-kva.example", by=by_alice, now=NOW)
        with pytest.raises(Invalid, match="no selector"):
            update_domain(domain=domain, changes={"dkim_selectors": ["a b"]}, by=by_alice, now=NOW)
        with pytest.raises(Invalid, match="installation's own"):
            update_domain(
                domain=MailDomain(name="localhost", workspace_id=acme.pk), changes={"role": "tracking"},
                by=by_alice, now=NOW,
            )  # fmt: skip
        assert update_domain(domain=domain, changes={"role": "sending"}, by=by_alice, now=NOW) == []
        assert update_domain(domain=domain, changes={"hold_cold": True}, by=by_alice, now=NOW) == []
        changed = update_domain(domain=domain, changes={"role": "primary", "hold_cold": True}, by=by_alice, now=NOW)
        assert set(changed) == {"role", "hold_cold"}
        assert list(AuditEntry.objects.order_by("at", "id").values_list("action", flat=True)) == [
            "domain.added", "domain.changed",
        ]  # fmt: skip
        make_mailbox(address="sam@xn--bcher-kva.example")
        with pytest.raises(Refused, match=r"sam@xn--bcher-kva\.example is a mailbox"):
            remove_domain(domain=domain, by=by_alice, now=NOW)
        Mailbox.objects.all().delete()
        remove_domain(domain=domain, by=by_alice, now=NOW)
        assert not MailDomain.objects.exists()


def test_cold_mail_from_a_primary_domain_is_warned_of_and_held_if_so_said(acme: Any, by_alice: Any, bob: Any) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        assert suggested_primary() == ["acme.example"], "where the members sign in from"
        domain = add_domain(name="acme.example", role="primary", by=by_alice, now=NOW)
        assert suggested_primary() == []
        assert cold_hold(mailbox) == ""
        assert "your primary domain" in cold_warning(mailbox)
        update_domain(domain=domain, changes={"hold_cold": True}, by=by_alice, now=NOW)
        words = "Held: acme.example is the primary domain and this workspace keeps cold mail off it"
        assert cold_hold(mailbox) == words
        assert cold_warning(mailbox).startswith(words)
        update_domain(domain=domain, changes={"role": "sending"}, by=by_alice, now=NOW)
        assert (cold_hold(mailbox), cold_warning(mailbox)) == ("", "")


def test_held_cold_mail_waits_with_the_reason_and_goes_when_the_switch_is_off(acme: Any, by_alice: Any) -> None:
    with running_sink() as sink:
        with workspace_scope(acme.pk):
            version = make_sequence([EMAIL], mailbox=make_mailbox(sink.port))
            make_enrolment(version, make_person("Ana Ferreira"), mailbox=Mailbox.objects.get())
            domain = add_domain(name="acme.example", role="primary", hold_cold=True, by=by_alice, now=NOW)
            lanes.mark(workspace_id=acme.pk, kind="enrolments", due=NOW)
        dispatch_once(now=NOW)
        with workspace_scope(acme.pk):
            message = Message.objects.get()
            assert message.state == "planned"
            assert message.hold_reason.startswith("Held: acme.example is the primary domain")
        dispatch_once(now=NOW + timedelta(hours=1))
        assert sink.recipients == []
        with workspace_scope(acme.pk):
            update_domain(domain=domain, changes={"hold_cold": False}, by=by_alice, now=NOW + timedelta(hours=1))
        dispatch_once(now=NOW + timedelta(hours=1))
        assert len(sink.recipients) == 1


# --- pages and API --------------------------------------------------------------------------------------------------------


def test_pages_show_findings_with_record_and_fix_and_change_the_role(
    acme: Any, alice: Any, bob: Any, as_: Any, server: DnsServer
) -> None:
    good(server)
    del server.records["_dmarc.acme.example", "TXT"]
    client = as_(alice)
    with time_machine.travel(NOW, tick=False) as clock:
        made = client.post("/w/acme/settings/domains/new/", {"name": "acme.example", "role": "sending"})
        assert made.status_code == 302
        url = made["Location"]
        body = client.get(url).content.decode()
        assert "The name servers are asked" in body
        assert 'hx-trigger="load delay:2s"' in body
        check_due_domains(now=NOW)
        body = client.get(url).content.decode()
        for words in ("One record, 0 of 10 look-ups", "v=spf1 ip4:192.0.2.1 ~all", "No DMARC record",
                      "_dmarc.acme.example TXT v=DMARC1; p=none; rua=mailto:dmarc@acme.example", "RSA 2048 bits"):  # fmt: skip
            assert words in body, words
        assert 'hx-trigger="load' not in body
        # In words and with a sign of its own, so that nobody has to tell colours apart.
        signs = re.findall(
            r'<span class="tag tag-(\w+)"><svg.*?</svg>(Pass|Warning|Fail|Unknown)</span>', body, re.DOTALL
        )
        assert signs[0] == ("danger", "Fail"), "the domain is as bad as its worst check"
        assert sorted(signs[1:]) == [("danger", "Fail"), *[("success", "Pass")] * 3]
        assert "DMARC: fail" in client.get("/w/acme/settings/domains/").content.decode()
        clock.shift(60)
        fragment = client.post(f"{url}check/", headers={"HX-Request": "true"}).content.decode()
        assert "checking…" in fragment
        assert "<html" not in fragment
        saved = client.post(f"{url}edit/", {"role": "primary", "hold_cold": "on", "dkim_selectors": "S7, s8"})
        assert saved.status_code == 302
    with workspace_scope(acme.pk):
        row = MailDomain.objects.get()
        assert (row.role, row.hold_cold, row.dkim_selectors) == ("primary", True, ["s7", "s8"])
    sdr = as_(bob)
    assert sdr.get(url).status_code == 200
    assert sdr.post(f"{url}check/").status_code == 403
    assert sdr.post(f"{url}remove/").status_code == 403
    assert client.post(f"{url}remove/").status_code == 302
    assert client.get(url).status_code == 404


def test_the_api_lists_adds_changes_and_checks(acme: Any, alice: Any, bob: Any, api: Any, server: DnsServer) -> None:
    good(server)
    token = api(alice)
    made = token.post("/api/v1/domains/", {"name": "acme.example"}, content_type="application/json")
    assert (made.status_code, made.json()["state"], made.json()["role"]) == (201, "unknown", "sending")
    url = f"/api/v1/domains/{made.json()['id']}/"
    twice = token.post("/api/v1/domains/", {"name": "ACME.example"}, content_type="application/json")
    assert (twice.status_code, twice.json()["error"]["field"]) == (409, "name")
    assert token.post(f"{url}check/").status_code == 202
    check_domain(workspace_id=acme.pk, key="acme.example", now=NOW)
    assert token.get(url).json()["state"] == "pass"
    rows = token.get(f"{url}checks/").json()
    assert [(row["kind"], row["state"]) for row in rows] == [
        ("spf", "pass"),
        ("dkim", "pass"),
        ("dmarc", "pass"),
        ("mx", "pass"),
    ]
    changed = token.patch(url, {"role": "primary", "hold_cold": True}, content_type="application/json").json()
    assert (changed["role"], changed["hold_cold"]) == ("primary", True)
    wrong = token.patch(url, {"role": "king"}, content_type="application/json")
    assert wrong.status_code == 400
    reader = api(bob, "domains.view")
    assert [row["name"] for row in reader.get("/api/v1/domains/").json()["results"]] == ["acme.example"]
    assert reader.patch(url, {"role": "sending"}, content_type="application/json").status_code == 403
    assert token.delete(url).status_code == 204
    assert token.get(url).status_code == 404


def test_asking_for_a_check_uses_no_network_in_the_request(acme: Any, by_alice: Any, server: DnsServer) -> None:
    with workspace_scope(acme.pk):
        domain = add_domain(name="acme.example", by=by_alice, now=NOW)
        ask_domain_check(domain=domain, by=by_alice, now=NOW)
    assert server.asked == []


def test_pages_warn_where_cold_mail_would_go_from_the_primary_domain(
    acme: Any, by_alice: Any, alice: Any, as_: Any
) -> None:
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        version = make_sequence([EMAIL], mailbox=mailbox)
        person = make_person("Ana Ferreira")
        domain = add_domain(name="acme.example", role="primary", by=by_alice, now=NOW)
    client = as_(alice)
    sequence = version.sequence_id
    client.post(f"/w/acme/sequences/{sequence}/draft/")
    preview = f"/w/acme/enrol/?sequence={sequence}&person={person.pk}"

    def bodies() -> list[str]:
        return [client.get(url).content.decode() for url in (f"/w/acme/sequences/{sequence}/publish/", preview)]

    assert all("Cold mail would go from acme.example, your primary domain" in body for body in bodies())
    page = client.get(f"/w/acme/settings/mailboxes/{mailbox.pk}/").content.decode()
    assert f"/settings/domains/{domain.pk}/" in page
    assert "better no cold mail from here" in page
    with workspace_scope(acme.pk):
        update_domain(domain=domain, changes={"role": "sending"}, by=by_alice, now=NOW)
    assert not any("primary domain" in body for body in bodies())


@pytest.mark.parametrize(
    ("stored", "shown", "told"),
    [
        ("ok", "Pass", "pass"),
        ("warn", "Warning", "warning"),
        ("fail", "Fail", "fail"),
        ("unknown", "Unknown", "unknown"),
    ],
)
def test_page_and_api_use_the_same_words_for_what_is_stored(
    acme: Any, by_alice: Any, alice: Any, as_: Any, api: Any, stored: str, shown: str, told: str
) -> None:
    with workspace_scope(acme.pk):
        domain = add_domain(name="acme.example", by=by_alice, now=NOW)
        DomainCheck.objects.create(domain=domain, kind="spf", state=stored, words="x", at=NOW)
    url = f"/api/v1/domains/{domain.pk}/"
    token = api(alice)
    assert (token.get(url).json()["state"], token.get(f"{url}checks/").json()[0]["state"]) == (told, told)
    assert shown in as_(alice).get("/w/acme/settings/domains/").content.decode()
