"""SPF, DKIM, DMARC, MX and tracking records, as a receiver reads them."""

import base64
from email import message_from_string
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from campaigns.rules import dkim, dmarc, dns_records, spf
from campaigns.rules.findings import Answer


class Zone:
    """A look-up over a dict {(name, type): [text]}; names in `dead` do not answer."""

    def __init__(self, records: dict[tuple[str, str], list[str]], dead: tuple[str, ...] = ()) -> None:
        self.records, self.dead, self.asked = records, dead, []  # type: ignore[var-annotated]

    def __call__(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        if name in self.dead:
            return Answer("error", words="no answer within 6 seconds")
        found = self.records.get((name, kind))
        if found:
            return Answer("found", tuple(found))
        exists = any(n == name or n.endswith(f".{name}") for n, _ in self.records)
        return Answer("none" if exists else "nxdomain")


def spf_of(*texts: str, **others: list[str]) -> Any:
    records = {("acme.example", "TXT"): list(texts)}
    for name, values in others.items():
        host, _, kind = name.rpartition("__")
        records[host.replace("_", ".").replace("-", "_"), kind] = values
    return spf.check_spf("acme.example", Zone(records))


@pytest.mark.parametrize(
    ("text", "state", "words"),
    [
        ("v=spf1 ip4:192.0.2.0/24 ~all", "ok", "0 of 10 look-ups; everybody else is suspect (~all)"),
        ("v=spf1 ip6:2001:db8::/32 -all", "ok", "everybody else is refused (-all)"),
        ("v=spf1 ip4:192.0.2.1 ?all", "warn", "nothing is said about everybody else (?all)"),
        ("v=spf1 ip4:192.0.2.1", "warn", "nothing is said about everybody else (no “all”)"),
        ("v=spf1 +all", "fail", "Anybody on earth may send as you"),
        ("v=spf1 all", "fail", "Anybody on earth may send as you"),
        ("v=spf1 ip4:1.2.3 ~all", "fail", "“ip4:1.2.3” names no network"),
        ("v=spf1 ip4:2001:db8:: ~all", "fail", "other IP version"),
        ("v=spf1 includes:x.example ~all", "fail", "“includes:x.example” is no SPF term"),
        ("v=spf1 include:acme.example ~all", "fail", "acme.example includes itself"),
        ("v=spf1 include:nothing.example ~all", "fail", "include nothing.example leads to no SPF record"),
        ("v=spf1 ip4:0.0.0.0/0 ~all", "warn", "a large part of the internet"),
        ("v=spf1 ptr ~all", "warn", "“ptr” is slow"),
        ("v=spf1 exists:%{i}._spf.acme.example ~all", "ok", "1 of 10 look-ups"),
        ("v=spf1 ~all include:never.read.example", "ok", "0 of 10 look-ups"),
        ("v=spf1 ip4:192.0.2.1 foo=bar ~all", "ok", "0 of 10"),
    ],
)  # fmt: skip
def test_spf_records_read_as_a_receiver_reads_them(text: str, state: str, words: str) -> None:
    found = spf_of(text)
    assert (found.state, found.raw) == (state, text)
    assert words in found.words, found.words


def test_two_records_are_permerror_and_none_is_said() -> None:
    found = spf_of("v=spf1 ~all", "v=spf1 -all", "google-site-verification=x")
    assert (found.state, "2 SPF records" in found.words, "Merge" in found.fix) == ("fail", True, True)
    found = spf_of("v=spf10 is no spf")
    assert found.state == "fail"
    assert found.detail["record"]["value"].startswith("v=spf1 ")


def chain(count: int) -> dict[tuple[str, str], list[str]]:
    """A record that needs exactly `count` look-ups through nested includes."""
    records = {("acme.example", "TXT"): ["v=spf1 include:i1.example ~all"]}
    for n in range(1, count + 1):
        more = f" include:i{n + 1}.example" if n < count else " ip4:192.0.2.1"
        records[f"i{n}.example", "TXT"] = [f"v=spf1{more} -all"]
    return records


@pytest.mark.parametrize(("count", "state"), [(9, "ok"), (10, "warn"), (11, "fail")])
def test_the_limit_of_ten_counts_what_stands_inside_includes(count: int, state: str) -> None:
    found = spf.check_spf("acme.example", Zone(chain(count)))
    assert (found.state, found.detail["lookups"]) == (state, count)
    assert found.detail["all"] == "~all", "an included record's all is not ours"
    if state == "fail":
        assert f"needs {count} look-ups, and receivers stop after 10" in found.words


def test_three_void_lookups_are_permerror_and_two_a_doubt() -> None:
    assert spf_of("v=spf1 a:x.example a:y.example ip4:192.0.2.1 ~all").state == "warn"
    found = spf_of("v=spf1 a:x.example mx:y.example exists:z.example ~all")
    assert (found.state, found.detail["void"]) == ("fail", 3)


def test_a_redirect_stands_in_for_the_record_unless_there_is_an_all() -> None:
    zone = {
        ("acme.example", "TXT"): ["v=spf1 redirect=_spf.acme.example"],
        ("_spf.acme.example", "TXT"): ["v=spf1 ip4:192.0.2.1 -all"],
    }
    found = spf.check_spf("acme.example", Zone(zone))
    assert (found.state, found.detail["all"], found.detail["lookups"]) == ("ok", "-all", 1)
    zone["acme.example", "TXT"] = ["v=spf1 ~all redirect=_spf.acme.example"]
    assert spf.check_spf("acme.example", Zone(zone)).detail["lookups"] == 0


def test_the_provider_of_the_mailbox_must_be_included() -> None:
    assert spf.expected_include("smtp.gmail.com") == "_spf.google.com"
    assert spf.expected_include("SMTP.office365.com.") == "spf.protection.outlook.com"
    assert spf.expected_include("mail.acme.example") == ""
    assert spf.expected_include("", "postmark") == "spf.mtasv.net"
    zone = Zone({
        ("acme.example", "TXT"): ["v=spf1 include:other.example ~all"],
        ("other.example", "TXT"): ["v=spf1 ip4:192.0.2.9 -all"],
        ("_spf.google.com", "TXT"): ["v=spf1 ip4:192.0.2.8 -all"],
    })  # fmt: skip
    found = spf.check_spf("acme.example", zone, expected=[("_spf.google.com", "smtp.gmail.com")])
    assert found.state == "fail"
    assert "does not name the provider that sends for you: smtp.gmail.com" in found.words
    mended = found.detail["record"]["value"]
    assert mended == "v=spf1 include:other.example include:_spf.google.com ~all"
    zone.records["acme.example", "TXT"] = [mended]
    assert spf.check_spf("acme.example", zone, expected=[("_spf.google.com", "x")]).state == "ok"


def test_a_silent_name_server_proves_nothing() -> None:
    zone = Zone({}, dead=("acme.example", "_dmarc.acme.example"))
    assert spf.check_spf("acme.example", zone).state == "unknown"
    assert dns_records.check_mx("acme.example", zone).state == "unknown"
    assert dmarc.check_dmarc("acme.example", zone).state == "unknown"
    assert dns_records.check_tracking("acme.example", "app.leadgen.example", zone).state == "unknown"


@given(st.text(max_size=80))
def test_no_record_makes_spf_dkim_or_dmarc_raise(text: str) -> None:
    zone = Zone({("acme.example", "TXT"): [f"v=spf1 {text}"], ("_dmarc.acme.example", "TXT"): [f"v=DMARC1;{text}"]})
    assert spf.check_spf("acme.example", zone).state in {"ok", "warn", "fail"}
    assert dmarc.check_dmarc("acme.example", zone).state in {"ok", "warn", "fail"}
    dkim.read_key(text)
    dkim.read_key(f"p={text}")


# --- DKIM ---------------------------------------------------------------------------------------------------------------


def rsa(bits: int) -> str:
    key = generate_private_key(65537, bits).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


RSA_2048, RSA_1024 = rsa(2048), rsa(1024)
ED = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("texts", "used", "state", "words"),
    [
        ([f"v=DKIM1; k=rsa; p={RSA_2048}"], True, "ok", "RSA 2048 bits at selector s1"),
        ([f"p={RSA_2048[:80]} {RSA_2048[80:]}"], True, "ok", "RSA 2048 bits"),
        ([f"v=DKIM1; k=ed25519; p={ED}"], False, "ok", "Ed25519 256 bits"),
        ([f"v=DKIM1; p={RSA_1024}"], False, "warn", "RSA 1024 bits: it works"),
        ([f"v=DKIM1; t=s:y; p={RSA_2048}"], False, "warn", "test mode (t=y)"),
        (["v=DKIM1; p="], True, "fail", "revoked (p= is empty)"),
        (["v=DKIM1; p="], False, "warn", "revoked (p= is empty)"),
        ([f"v=DKIM1; p={RSA_2048[:100]}"], False, "fail", "cut off"),
        ([f"v=DKIM1; p={RSA_2048}", f"v=DKIM1; p={RSA_1024}"], False, "fail", "There are 2 keys"),
        ([], True, "fail", "it has no key at s1._domainkey.acme.example"),
    ],
)
def test_dkim_keys(texts: list[str], used: bool, state: str, words: str) -> None:
    answer = Answer("found", tuple(texts)) if texts else Answer("nxdomain")
    found = dkim.check_selector("acme.example", "s1", answer, used=used)
    assert found is not None
    assert found.state == state, found.words
    assert words in found.words


def test_a_selector_nobody_uses_and_a_wildcard_text_are_no_finding() -> None:
    assert dkim.check_selector("acme.example", "s1", Answer("nxdomain"), used=False) is None
    assert dkim.check_selector("acme.example", "s1", Answer("found", ("v=spf1 -all",)), used=False) is None


def seed(signed: str, results: str = "", *, unsubscribe: bool = True) -> Any:
    lines = [f"Authentication-Results: {results}"] if results else []
    if signed:
        lines += [f"DKIM-Signature: v=1; a=rsa-sha256; d=acme.example;\r\n s=s7; h={signed};\r\n bh=x; b=y"]
    if unsubscribe:
        lines += ["List-Unsubscribe: <https://x.example/u>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"]
    return dkim.read_evidence(message_from_string("\r\n".join([*lines, "Subject: seed", "", "hello"])))


def test_a_seed_mail_tells_whether_one_click_is_signed() -> None:
    found = dkim.check_one_click(seed("From:To:Subject:List-Unsubscribe:\r\n List-Unsubscribe-Post"), name="sam")
    assert (found.state, found.words) == ("ok", "Both one-click headers are signed by d=acme.example.")
    found = dkim.check_one_click(seed("from:to:list-unsubscribe"), name="sam")
    assert found.state == "fail"
    assert found.words.startswith("One-click not signed by your provider")
    assert found.words.endswith("does not cover List-Unsubscribe-Post.")
    assert "One-click is not signed by your provider" in dkim.check_one_click(seed(""), name="sam").words
    gone = dkim.check_one_click(seed("from", unsubscribe=False), name="sam")
    assert "did not arrive" in gone.words
    broken = seed(
        "List-Unsubscribe:List-Unsubscribe-Post", "mx.b.example; dkim=fail (bad) header.d=acme.example; spf=pass"
    )
    assert dkim.check_one_click(broken, name="sam").state == "warn"
    assert broken.verdicts == {"dkim": "fail", "spf": "pass"}
    assert broken.signatures[0].selector == "s7"


# --- DMARC (RFC 9989) -----------------------------------------------------------------------------------------------------


def test_the_walk_asks_the_name_then_at_most_seven_labels_downwards() -> None:
    assert dmarc.walk_names("a.mail.acme.example") == [
        "a.mail.acme.example",
        "mail.acme.example",
        "acme.example",
        "example",
    ]
    long = "a.b.c.d.e.f.g.h.i.j.mail.acme.example"
    names = dmarc.walk_names(long)
    assert names[:2] == [long, "g.h.i.j.mail.acme.example"]
    assert len(names) == 8


@pytest.mark.parametrize(
    ("records", "start", "org"),
    [
        ({}, "mail.acme.example", "mail.acme.example"),
        ({"acme.example": "v=DMARC1; p=none"}, "mail.acme.example", "acme.example"),
        ({"acme.example": "v=DMARC1; p=none", "mail.acme.example": "v=DMARC1; p=none"}, "mail.acme.example", "acme.example"),
        ({"mail.acme.example": "v=DMARC1; p=none; psd=n", "acme.example": "v=DMARC1; p=none"}, "x.mail.acme.example",
         "mail.acme.example"),
        ({"example": "v=DMARC1; p=reject; psd=y"}, "mail.acme.example", "acme.example"),
        ({"example": "v=DMARC1; p=reject; psd=y"}, "example", "example"),
    ],
)  # fmt: skip
def test_the_organisational_domain(records: dict[str, str], start: str, org: str) -> None:
    zone = Zone({(f"_dmarc.{name}", "TXT"): [text] for name, text in records.items()})
    assert dmarc.walk(start, zone).org_domain == org


def dmarc_of(domain: str, signed_by: tuple[str, ...] = (), **records: str) -> Any:
    zone = Zone({(f"_dmarc.{name.replace('_', '.')}", "TXT"): [text] for name, text in records.items()})
    return dmarc.check_dmarc(domain, zone, signed_by=signed_by)


def test_policies_of_domain_and_subdomain() -> None:
    full = "v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@acme.example"
    assert dmarc_of("acme.example", acme_example=full).words.startswith(
        "Policy reject; organisational domain acme.example"
    )
    below = dmarc_of("mail.acme.example", acme_example=full)
    assert (below.state, below.detail["policy"], below.detail["source"]) == ("ok", "quarantine", "sp")
    weak = dmarc_of("acme.example", acme_example="v=DMARC1; p=none; rua=mailto:d@acme.example")
    assert (weak.state, "protects nobody" in weak.words) == ("warn", True)
    testing = dmarc_of("acme.example", acme_example="v=DMARC1; p=quarantine; t=y; rua=mailto:d@acme.example")
    assert (testing.state, testing.detail["applied"]) == ("warn", "none")
    old = dmarc_of("acme.example", acme_example="v=DMARC1; p=reject; pct=20; rua=mailto:d@acme.example")
    assert "pct is no longer read (RFC 9989)" in old.words
    lost = dmarc_of("acme.example", acme_example="v=DMARC1; p=rejekt")
    assert (lost.state, "no policy (p=)" in lost.words) == ("fail", True)
    watched = dmarc_of("acme.example", acme_example="v=DMARC1; rua=mailto:d@acme.example")
    assert watched.detail["policy"] == "none"
    none = dmarc_of("acme.example")
    assert (none.state, none.detail["record"]["name"]) == ("fail", "_dmarc.acme.example")


def test_a_signature_of_the_providers_own_domain_is_not_aligned() -> None:
    record = "v=DMARC1; p=reject; rua=mailto:d@acme.example"
    assert dmarc_of("acme.example", ("mail.acme.example",), acme_example=record).state == "ok"
    found = dmarc_of("acme.example", ("acme.gappssmtp.example",), acme_example=record)
    assert (found.state, "not aligned with acme.example" in found.words) == ("fail", True)
    strict = dmarc_of("acme.example", ("mail.acme.example",), acme_example=f"{record}; adkim=s")
    assert strict.state == "fail"


# --- MX and tracking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        (
            {("acme.example", "MX"): ["10 mx.acme.example"], ("mx.acme.example", "A"): ["192.0.2.1"]},
            "ok",
            "1 mail server.",
        ),
        ({("acme.example", "MX"): ["0 ."]}, "fail", "null MX (RFC 7505)"),
        ({("acme.example", "A"): ["192.0.2.1"]}, "warn", "No MX record: mail goes to the web server"),
        ({}, "fail", "replies cannot arrive"),
        ({("acme.example", "MX"): ["10 gone.acme.example"]}, "fail", "None of its mail servers has an address"),
    ],
)
def test_mx(records: dict[tuple[str, str], list[str]], state: str, words: str) -> None:
    found = dns_records.check_mx("acme.example", Zone(records))
    assert (found.state, words in found.words) == (state, True), found.words


def test_a_tracking_domain_must_lead_here() -> None:
    target = "app.leadgen.example"

    def check(records: dict[tuple[str, str], list[str]]) -> Any:
        return dns_records.check_tracking("go.acme.example", target, Zone(records))

    direct = check({("go.acme.example", "CNAME"): [target]})
    assert (direct.state, direct.detail) == ("ok", {"verified": True})
    hops = check({("go.acme.example", "CNAME"): ["b.example"], ("b.example", "CNAME"): ["App.Leadgen.example"]})
    assert hops.state == "ok"
    wrong = check({("go.acme.example", "CNAME"): ["other.example"]})
    assert (wrong.state, "points to other.example" in wrong.words) == ("fail", True)
    assert wrong.detail["record"] == {"type": "CNAME", "name": "go.acme.example", "value": target}
    loop = check({("go.acme.example", "CNAME"): ["go.acme.example"]})
    assert loop.state == "fail"
    flat = {("go.acme.example", "A"): ["192.0.2.7"], (target, "A"): ["192.0.2.7", "192.0.2.8"]}
    assert check(flat).state == "ok"
    assert check(flat | {("go.acme.example", "A"): ["192.0.2.9"]}).state == "fail"
