"""SPF (RFC 7208): which servers may send for a domain, counted as a receiver counts.

A receiver stops with "permerror" after 10 terms that need DNS or 2 that find nothing (section 4.6.4); then nothing of the
record counts. What would be asked is counted in full here, as for a sender that no term matches.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from campaigns.rules.findings import FAIL, OK, WARN, Answer, Finding, Lookup, no_answer, record

MAX_LOOKUPS = 10
MAX_VOID = 2
MAX_MX = 10
_TERM = re.compile(r"(?P<sign>[+\-~?]?)(?P<name>[A-Za-z][A-Za-z0-9_.\-]*)(?P<sep>[:=/]?)(?P<value>.*)", re.DOTALL)
_MECHANISMS = {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"}
_MACRO = re.compile(r"%[{%_\-]")
ALL_WORDS = {
    "-all": "everybody else is refused (-all)",
    "~all": "everybody else is suspect (~all)",
    "?all": "nothing is said about everybody else (?all)",
    "+all": "everybody may send as you (+all)",
    "": "nothing is said about everybody else (no “all”)",
}
# Which include a provider asks for, by the end of its SMTP host or by the name of its sending service.
PROVIDERS = {
    "gmail.com": "_spf.google.com", "googlemail.com": "_spf.google.com", "google.com": "_spf.google.com",
    "office365.com": "spf.protection.outlook.com", "outlook.com": "spf.protection.outlook.com",
    "amazonaws.com": "amazonses.com", "sendgrid.net": "sendgrid.net", "mailgun.org": "mailgun.org",
    "postmarkapp.com": "spf.mtasv.net", "sparkpostmail.com": "sparkpostmail.com", "mailjet.com": "spf.mailjet.com",
    "brevo.com": "spf.brevo.com", "sendinblue.com": "spf.brevo.com", "zoho.com": "zoho.com", "zoho.eu": "zoho.eu",
    "messagingengine.com": "spf.messagingengine.com", "fastmail.com": "spf.messagingengine.com",
    "ovh.net": "mx.ovh.com", "ionos.com": "_spf-us.ionos.com", "ionos.de": "_spf.kundenserver.de",
    "ionos.co.uk": "_spf-eu.ionos.com", "migadu.com": "spf.migadu.com", "mxroute.com": "mxroute.com",
    "infomaniak.com": "spf.infomaniak.ch", "hostinger.com": "_spf.mail.hostinger.com", "yandex.com": "_spf.yandex.net",
    "amazon_ses": "amazonses.com", "amazonses": "amazonses.com", "sendgrid": "sendgrid.net", "mailgun": "mailgun.org",
    "postmark": "spf.mtasv.net", "sparkpost": "sparkpostmail.com", "mailjet": "spf.mailjet.com", "brevo": "spf.brevo.com",
}  # fmt: skip


@dataclass(slots=True)
class Spf:
    """What a record comes to: `lookups` and `void` as counted, the final `all`, `includes` reached, problems in words."""

    record: str = ""
    lookups: int = 0
    void: int = 0
    all: str = ""
    includes: list[str] = field(default_factory=list)
    tree: list[str] = field(default_factory=list)  # one indented line a term that asked DNS
    problems: list[str] = field(default_factory=list)  # each of them makes the record void
    doubts: list[str] = field(default_factory=list)
    error: Answer | None = None  # a name server did not answer


def expected_include(host: str, esp: str = "") -> str:
    """The include that the provider of this SMTP host (or sending service) asks for, or '' where it is not known."""
    if esp:
        return PROVIDERS.get(esp.lower(), "")
    labels = host.lower().rstrip(".").split(".")
    return next((PROVIDERS[name] for n in range(len(labels)) if (name := ".".join(labels[n:])) in PROVIDERS), "")


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (section 4.5): the version, then a space or the end."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def evaluate(domain: str, lookup: Lookup) -> Spf:
    """Follow the record of `domain` and count."""
    spf = Spf()
    answer = lookup(domain, "TXT")
    if answer.status == "error":
        spf.error = answer
        return spf
    found = [text for text in answer.records if is_spf(text)]
    if len(found) > 1:
        spf.record = "\n".join(found)
        spf.problems.append(f"there are {len(found)} SPF records, and only one is allowed")
    elif found:
        spf.record = found[0]
        _follow(spf, domain, found[0], lookup, chain=(domain,), depth=0, top=True)
        if spf.lookups > MAX_LOOKUPS:
            spf.problems.append(f"it needs {spf.lookups} look-ups, and receivers stop after {MAX_LOOKUPS}")
        if spf.void > MAX_VOID:
            spf.problems.append(f"{spf.void} of its look-ups find nothing, and receivers stop after {MAX_VOID}")
    return spf


def _follow(spf: Spf, domain: str, text: str, lookup: Lookup, *, chain: tuple[str, ...], depth: int, top: bool) -> None:
    """Read the terms of one record; `top`: it is the domain's own, or stands in its place by redirect."""
    redirect, ends = "", False
    for term in text.split()[1:]:
        match = _TERM.fullmatch(term)
        if match is None:
            spf.problems.append(f"“{term}” is no SPF term")
            continue
        name, value = match["name"].lower(), match["value"]
        if match["sep"] == "=":
            if name == "redirect":
                redirect = value.rstrip(".")
            # exp= and modifiers nobody knows are passed over (section 6).
            continue
        if name not in _MECHANISMS:
            spf.problems.append(f"“{term}” is no SPF term")
        elif name == "all":
            ends = True
            if top:
                spf.all = f"{match['sign'] or '+'}all"
            break  # section 5.1: what follows it is never read
        elif name in {"ip4", "ip6"}:
            _check_network(spf, term, name, value)
        else:
            _ask(spf, name, term, _target(domain, match["sep"], value), lookup, chain=chain, depth=depth, top=top)
    if redirect and not ends:
        _ask(spf, "redirect", f"redirect={redirect}", redirect, lookup, chain=chain, depth=depth, top=top)


def _target(domain: str, sep: str, value: str) -> str:
    """The domain a term asks for, without a prefix length: `a/24`, `a:host/24//64`."""
    if sep != ":":
        return domain
    return value.split("/", 1)[0].rstrip(".") or domain


def _check_network(spf: Spf, term: str, name: str, value: str) -> None:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        spf.problems.append(f"“{term}” names no network")
        return
    if network.version != int(name[2]):
        spf.problems.append(f"“{term}” names a network of the other IP version")
    elif network.prefixlen == 0 or (network.version == 4 and network.prefixlen < 8):
        spf.doubts.append(f"“{term}” lets a large part of the internet send as you")


def _ask(
    spf: Spf, name: str, term: str, target: str, lookup: Lookup, *, chain: tuple[str, ...], depth: int, top: bool
) -> None:
    """One term that costs a look-up; includes and redirects are followed."""
    spf.lookups += 1
    spf.tree.append(f"{'  ' * depth}{spf.lookups}. {term}")
    if spf.lookups > 5 * MAX_LOOKUPS:
        return  # far beyond the limit: nobody counts further
    if name == "ptr":
        spf.doubts.append("“ptr” is slow and should not be used (RFC 7208 section 5.5)")
        return
    if _MACRO.search(target):
        return  # its name depends on the mail; that it costs a look-up does not
    if name in {"include", "redirect"}:
        _include(spf, name, target, lookup, chain=chain, depth=depth, top=top)
        return
    answer = lookup(target, {"mx": "MX"}.get(name, "A"))
    if name == "a" and answer.status == "none":
        answer = lookup(target, "AAAA")
    if answer.status == "error":
        spf.error = spf.error or answer
    elif answer.is_void:
        spf.void += 1
        spf.doubts.append(f"“{term}” finds nothing")
    elif name == "mx" and len(answer.records) > MAX_MX:
        spf.problems.append(f"“{term}” finds {len(answer.records)} mail servers, and receivers stop after {MAX_MX}")


def _include(
    spf: Spf, name: str, target: str, lookup: Lookup, *, chain: tuple[str, ...], depth: int, top: bool
) -> None:
    lowered = target.lower()
    if name == "include":
        spf.includes.append(lowered)
    if lowered in chain:
        spf.problems.append(f"{lowered} includes itself")
        return
    answer = lookup(target, "TXT")
    if answer.status == "error":
        spf.error = spf.error or answer
        return
    found = [text for text in answer.records if is_spf(text)]
    if answer.is_void:
        spf.void += 1
    if len(found) != 1:
        what = "no SPF record" if not found else f"{len(found)} SPF records"
        spf.problems.append(f"{name} {target} leads to {what}")
        return
    # A redirected record takes the place of this one, its "all" included.
    stands_in = top and name == "redirect"
    _follow(spf, target, found[0], lookup, chain=(*chain, lowered), depth=depth + 1, top=stands_in)


def check_spf(domain: str, lookup: Lookup, *, expected: Iterable[tuple[str, str]] = ()) -> Finding:
    """The finding for `domain`; `expected` are (include, of which provider) of the mailboxes that send from it."""
    wanted = list(dict.fromkeys(expected))
    suggestion = record("TXT", domain, _suggested([include for include, _ in wanted]))
    spf = evaluate(domain, lookup)
    if spf.error is not None and not spf.record:
        return no_answer("spf", domain, spf.error)
    if not spf.record:
        return Finding(
            "spf", domain, FAIL, "No SPF record: no receiver can tell your servers from anybody's.",
            f"Publish one TXT record at {domain} that names your provider and ends in ~all.",
            detail={"record": suggestion},
        )  # fmt: skip
    detail = {"lookups": spf.lookups, "void": spf.void, "all": spf.all, "includes": spf.includes, "tree": spf.tree}
    missing = [(include, who) for include, who in wanted if include not in spf.includes]
    count = f"{spf.lookups} of {MAX_LOOKUPS} look-ups"
    if spf.problems:
        words = f"Receivers cannot use it (permerror): {'; '.join(spf.problems)}."
        return Finding("spf", domain, FAIL, words[:500], _fix_of(spf), spf.record, detail)
    if spf.all == "+all":
        return Finding(
            "spf", domain, FAIL, "Anybody on earth may send as you: it ends in +all.", "Change +all to ~all.",
            spf.record, detail | {"record": record("TXT", domain, re.sub(r"\+?all\b", "~all", spf.record))},
        )  # fmt: skip
    if missing:
        value = _with_includes(spf.record, [include for include, _ in missing])
        who = ", ".join(f"{who} (include:{include})" for include, who in missing)
        return Finding(
            "spf", domain, FAIL, f"It does not name the provider that sends for you: {who}. {count}.",
            "Add the include before “all”; keep everything else.", spf.record,
            detail | {"record": record("TXT", domain, value)},
        )  # fmt: skip
    if spf.error is not None:
        return no_answer("spf", domain, spf.error)
    if spf.all in {"", "?all"}:
        return Finding(
            "spf", domain, WARN, f"It says nothing about other servers: {ALL_WORDS[spf.all]}. {count}.",
            "End it in ~all, or -all once every sender of yours is named.", spf.record,
            detail | {"record": record("TXT", domain, re.sub(r"\s*\?all\b", "", spf.record) + " ~all")},
        )  # fmt: skip
    if spf.doubts or spf.lookups >= MAX_LOOKUPS:
        doubts = spf.doubts or ["one more include breaks it"]
        return Finding(
            "spf", domain, WARN, f"It works, but {'; '.join(dict.fromkeys(doubts))}. {count}."[:500],
            "Take out what is not needed.", spf.record, detail,
        )  # fmt: skip
    return Finding("spf", domain, OK, f"One record, {count}; {ALL_WORDS[spf.all]}.", "", spf.record, detail)


def _fix_of(spf: Spf) -> str:
    text = " ".join(spf.problems)
    if "only one is allowed" in text:
        return "Merge them into one TXT record: all includes of both, one v=spf1 at the front, one ~all at the end."
    if "receivers stop after" in text:
        return (
            "Remove includes of services that no longer send for you; move others to a subdomain of their own. Each "
            "include, a, mx, ptr, exists and redirect counts, also those inside an include."
        )
    return "Correct or remove the named terms; one wrong term makes the whole record void."


def _suggested(includes: list[str]) -> str:
    return " ".join(["v=spf1", *(f"include:{name}" for name in includes or ["<your provider>"]), "~all"])


def _with_includes(text: str, includes: list[str]) -> str:
    """`text` with includes put before its `all` (or redirect), or at its end."""
    terms = text.split()
    at = next(
        (n for n, term in enumerate(terms) if re.fullmatch(r"[+\-~?]?all|redirect=.*", term, re.IGNORECASE)), len(terms)
    )
    return " ".join([*terms[:at], *(f"include:{name}" for name in includes), *terms[at:]])
