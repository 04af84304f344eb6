"""Seed mails: what a delivered mail shows of the provider's signature."""

from typing import Any

import pytest

from campaigns.actions.domains import add_domain, findings_of
from campaigns.actions.inbound import receive_mail
from campaigns.actions.seeds import ask_seed, note_seed, paste_seed, seed_mime, send_seed
from campaigns.models import DomainCheck, InboundMail, MailDomain
from campaigns.rules.findings import Answer
from leadgen.core.errors import Invalid, Refused
from leadgen.core.tenancy import workspace_scope
from tests.campaigns.sink import running_sink
from tests.conftest import NOW
from tests.factories.campaigns import make_mailbox

pytestmark = pytest.mark.django_db
SIGNED = (
    "Authentication-Results: mx.other.example; dkim=pass header.d=acme.example; spf=pass; dmarc=pass\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; d=acme.example; s=s9;\r\n h=From:To:Subject:{h}; bh=x; b=y\r\n"
)


def delivered(mailbox: Any, h: str = "List-Unsubscribe:List-Unsubscribe-Post") -> bytes:
    return SIGNED.format(h=h).encode() + seed_mime(mailbox=mailbox, to_address="ana@other.example", now=NOW)


def test_a_seed_that_comes_back_shows_whether_one_click_is_signed(acme: Any) -> None:
    with workspace_scope(acme.pk):
        sender, reader = make_mailbox(), make_mailbox(address="ana@other.example")
        row, is_new = receive_mail(mailbox=reader, raw=delivered(sender), now=NOW)
        assert is_new
        assert row.effect == (
            "Seed mail of the deliverability check: Both one-click headers are signed by d=acme.example."
        )
        assert InboundMail.objects.get().done_at == NOW, "nobody has to answer it"
        check = DomainCheck.objects.get()
        assert (check.kind, check.state, check.mailbox_id, check.name) == (
            "unsubscribe",
            "ok",
            sender.pk,
            sender.address,
        )
        assert MailDomain.objects.get(name="acme.example").dkim_selectors == ["s9"], "its signature names the selector"
        assert receive_mail(mailbox=reader, raw=delivered(sender), now=NOW)[1] is True  # another Message-ID
        note_seed(mailbox=reader, raw=delivered(sender, "List-Unsubscribe"), now=NOW)
        worst = DomainCheck.objects.order_by("-id").first()
        assert worst is not None
        assert worst.words.startswith("One-click not signed by your provider")


def test_a_forged_seed_changes_nothing(acme: Any, globex: Any) -> None:
    with workspace_scope(globex.pk):
        foreign = delivered(make_mailbox(address="eve@globex.example"))
    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        assert note_seed(mailbox=mailbox, raw=foreign, now=NOW) == ""
        forged = delivered(mailbox).replace(b"X-Leadgen-Seed: ", b"X-Leadgen-Seed: x")
        assert note_seed(mailbox=mailbox, raw=forged, now=NOW) == ""
        assert note_seed(mailbox=mailbox, raw=b"Subject: hello\r\n\r\nhi", now=NOW) == ""
        assert not DomainCheck.objects.exists()


def test_a_seed_goes_through_the_mailboxs_own_conversation(acme: Any, by_alice: Any) -> None:
    with running_sink() as sink:
        with workspace_scope(acme.pk):
            mailbox = make_mailbox(sink.port)
            type(mailbox).objects.update(sync="none")
            with pytest.raises(Refused, match="would not come back"):
                ask_seed(mailbox=mailbox, by=by_alice, now=NOW)
            reader = make_mailbox(sink.port, address="ana@other.example", sync="imap")
            assert ask_seed(mailbox=mailbox, by=by_alice, now=NOW) == reader
        assert send_seed(workspace_id=acme.pk, mailbox_id=mailbox.pk, to_id=reader.pk, now=NOW) == ""
        (parsed,) = sink.mails
    assert parsed["To"] == "ana@other.example"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed["List-Unsubscribe"].startswith("<http")
    with workspace_scope(acme.pk):
        type(mailbox).objects.filter(pk=mailbox.pk).update(port=1)
    words = send_seed(workspace_id=acme.pk, mailbox_id=mailbox.pk, to_id=reader.pk, now=NOW)
    assert "refused the connection" in words
    with workspace_scope(acme.pk):
        assert "could not be sent" in DomainCheck.objects.get().words


def test_a_pasted_mail_is_evidence_for_its_own_domain_only(acme: Any, by_alice: Any, alice: Any, as_: Any) -> None:
    with workspace_scope(acme.pk):
        domain = add_domain(name="acme.example", by=by_alice, now=NOW)
        raw = (
            SIGNED.format(h="From")
            + "From: Sam <sam@acme.example>\r\nList-Unsubscribe: <https://x.example>\r\n"
            + ("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nhi")
        )
        row = paste_seed(domain=domain, raw=raw, by=by_alice, now=NOW)
        assert (row.state, row.mailbox_id) == ("fail", None)
        with pytest.raises(Invalid, match=r"from eve@evil\.example, not from acme\.example"):
            paste_seed(domain=domain, raw="From: eve@evil.example\n\nx", by=by_alice, now=NOW)
        with pytest.raises(Invalid, match="no From header"):
            paste_seed(domain=domain, raw="hello", by=by_alice, now=NOW)
    url = f"/w/acme/settings/domains/{domain.pk}/"
    answer = as_(alice).post(f"{url}seed/", {"raw": "hello"})
    assert answer.status_code == 422
    assert "no From header" in answer.content.decode()
    assert as_(alice).post(f"{url}seed/", {"raw": raw}).status_code == 302
    assert "One-click not signed by your provider" in as_(alice).get(url).content.decode()


def test_who_signed_the_last_seed_counts_for_dmarc(acme: Any) -> None:
    from campaigns.actions.domains import _subject

    with workspace_scope(acme.pk):
        mailbox = make_mailbox()
        foreign = delivered(mailbox).replace(b"d=acme.example", b"d=acme.gappssmtp.example")
        note_seed(mailbox=mailbox, raw=foreign, now=NOW)
        subject = _subject("acme.example")
    assert subject is not None
    records = {"_dmarc.acme.example": "v=DMARC1; p=reject; rua=mailto:d@acme.example"}

    def lookup(name: str, kind: str) -> Answer:
        return Answer("found", (records[name],)) if name in records and kind == "TXT" else Answer("nxdomain")

    found = {finding.kind: finding for finding in findings_of(subject, lookup)}
    assert "not aligned with acme.example" in found["dmarc"].words
