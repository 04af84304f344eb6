"""DKIM keys (RFC 6376, RFC 8463) and what a delivered mail shows: the signature's header list and the receiver's verdict."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from email.message import Message as MimeMessage

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from campaigns.rules.findings import FAIL, OK, UNKNOWN, WARN, Answer, Finding

# Selectors that providers give their customers; DNS has no way to list them.
COMMON_SELECTORS = (
    "google", "selector1", "selector2", "k1", "k2", "k3", "s1", "s2", "default", "mail", "dkim", "fm1", "fm2", "fm3",
    "zoho", "zmail", "pm", "smtp", "mxvault", "protonmail", "key1", "brevo1", "sig1",
)  # fmt: skip
SELECTOR = re.compile(
    r"[a-z0-9](?:[a-z0-9_\-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_\-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)
ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")


@dataclass(frozen=True, slots=True)
class Key:
    """A key record as read. `bits` None: not readable; `problem` in words, or ''."""

    type: str
    bits: int | None
    revoked: bool = False
    testing: bool = False
    problem: str = ""


def read_tags(text: str) -> dict[str, str]:
    """`tag=value` list of DKIM and DMARC (RFC 6376 section 3.2): names lower case, white space at the ends dropped."""
    tags: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


def read_key(text: str) -> Key | None:
    """The key of one TXT record, or None where it is none of DKIM's (a wildcard record of something else)."""
    tags = read_tags(text)
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return None
    kind = tags.get("k", "rsa").lower()
    testing = "y" in [flag.strip() for flag in tags.get("t", "").lower().split(":")]
    packed = re.sub(r"\s+", "", tags["p"])
    if not packed:
        return Key(kind, None, revoked=True, testing=testing)
    try:
        raw = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return Key(kind, None, testing=testing, problem="the key (p=) is cut off or not base64")
    if kind == "ed25519":
        problem = "" if len(raw) == 32 else "the key (p=) has not the length of an Ed25519 key"
        return Key(kind, 256, testing=testing, problem=problem)
    if kind != "rsa":
        return Key(kind, None, testing=testing, problem=f"its key type “{kind}” is not known")
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return Key(kind, None, testing=testing, problem="the key (p=) is cut off or damaged")
    if not isinstance(key, RSAPublicKey):
        return Key(kind, None, testing=testing, problem="the key (p=) is not an RSA key")
    return Key(kind, key.key_size, testing=testing)


def check_selector(domain: str, selector: str, answer: Answer, *, used: bool) -> Finding | None:
    """The finding of one selector; None where there is nothing and nobody said it is used."""
    name = f"{selector}._domainkey.{domain}"
    if answer.status == "error":
        words = f"The name server did not answer for {name}: {answer.words}."
        return Finding("dkim", selector, UNKNOWN, words[:500], "It is asked again tomorrow.") if used else None
    keys = [(text, key) for text in answer.records if (key := read_key(text)) is not None]
    if not keys:
        if not used:
            return None
        return Finding(
            "dkim", selector, FAIL, f"Mails are signed with the selector {selector}, but it has no key at {name}.",
            "Publish the record your provider shows for this selector, or turn signing on again there.",
            "\n".join(answer.records),
        )  # fmt: skip
    raw = "\n".join(text for text, _ in keys)
    if len(keys) > 1:
        return Finding(
            "dkim", selector, FAIL, f"There are {len(keys)} keys at {name}; receivers take none of them for granted.",
            "Keep the one your provider shows.", raw,
        )  # fmt: skip
    key = keys[0][1]
    detail = {"key_type": key.type, "bits": key.bits, "testing": key.testing, "revoked": key.revoked}
    if key.revoked:
        words = f"The key of selector {selector} is revoked (p= is empty): what it signed counts as unsigned."
        fix = "Publish the new key your provider shows." if used else "Remove the record if nothing signs with it."
        return Finding("dkim", selector, FAIL if used else WARN, words, fix, raw, detail)
    if key.problem:
        words = f"The key of selector {selector} cannot be used: {key.problem}."
        fix = "Copy the record again, whole; long values may be split into several strings of one record."
        return Finding("dkim", selector, FAIL, words, fix, raw, detail)
    size = f"{key.type.upper() if key.type == 'rsa' else 'Ed25519'} {key.bits} bits"
    if key.type == "rsa" and (key.bits or 0) < 1024:
        words = f"{size}: receivers refuse keys under 1024 bits (RFC 8301)."
        return Finding("dkim", selector, FAIL, words, "Make a 2048-bit key at your provider.", raw, detail)
    if key.testing:
        words = f"{size}, in test mode (t=y): receivers may treat signed mail as unsigned."
        return Finding("dkim", selector, WARN, words, "Remove t=y from the record.", raw, detail)
    if key.type == "rsa" and (key.bits or 0) < 2048:
        words = f"{size}: it works, but 2048 are asked for today."
        return Finding("dkim", selector, WARN, words, "Make a 2048-bit key at your provider.", raw, detail)
    return Finding("dkim", selector, OK, f"{size} at selector {selector}.", "", raw, detail)


def no_selector(domain: str, tried: int) -> Finding:
    """Nothing found under the names we know: DNS cannot list selectors, so this proves nothing."""
    return Finding(
        "dkim", "", UNKNOWN, f"No key was found under the {tried} usual selectors; yours may have another name.",
        "Send a seed mail (its signature names the selector), or type the selector that your provider shows. If your "
        f"provider shows none, turn DKIM on there for {domain} and publish the record it gives.",
    )  # fmt: skip


# --- A delivered mail --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature header: d=, s=, and the header names it covers, lower case."""

    domain: str
    selector: str
    headers: tuple[str, ...]

    @property
    def covers_one_click(self) -> bool:
        """Both headers of RFC 8058 section 4 are signed."""
        return all(name in self.headers for name in ONE_CLICK)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a delivered mail of ours shows."""

    signatures: tuple[Signature, ...]
    results: tuple[str, ...] = ()  # Authentication-Results headers, newest (the receiver's own) first
    verdicts: dict[str, str] = field(default_factory=dict)  # dkim, spf, dmarc -> pass, fail, none ... of the newest
    has_one_click: bool = False  # the headers arrived at all


def read_evidence(mail: MimeMessage) -> Evidence:
    """Signatures and verdicts of one mail as it arrived."""
    signatures = []
    for header in mail.get_all("DKIM-Signature", []):
        tags = read_tags(re.sub(r"\s+", " ", str(header)))
        covered = tuple(name.strip().lower() for name in tags.get("h", "").split(":") if name.strip())
        if tags.get("d"):
            signatures.append(Signature(tags["d"].lower().rstrip("."), tags.get("s", "").lower(), covered))
    results = tuple(" ".join(str(value).split()) for value in mail.get_all("Authentication-Results", []))
    verdicts: dict[str, str] = {}
    for method, verdict in re.findall(r"\b(dkim|spf|dmarc)=([a-z]+)", results[0] if results else "", re.IGNORECASE):
        # Several signatures may be listed: one that passes is enough.
        if verdicts.get(method.lower()) != "pass":
            verdicts[method.lower()] = verdict.lower()
    return Evidence(
        tuple(signatures), results, verdicts,
        has_one_click=bool(mail["List-Unsubscribe"]) and bool(mail["List-Unsubscribe-Post"]),
    )  # fmt: skip


def check_one_click(evidence: Evidence, *, name: str) -> Finding:
    """Whether a signature of the delivered mail covers both one-click headers."""
    raw = "\n".join(
        [*(f"DKIM-Signature: d={s.domain}; s={s.selector}; h={':'.join(s.headers)}" for s in evidence.signatures)]
        + [f"Authentication-Results: {text}" for text in evidence.results[:3]]
    )
    detail = {
        "signatures": [{"d": s.domain, "s": s.selector, "h": list(s.headers)} for s in evidence.signatures],
        "verdicts": evidence.verdicts,
    }
    if not evidence.has_one_click:
        return Finding(
            "unsubscribe", name, FAIL, "The List-Unsubscribe headers did not arrive: something on the way took them out.",
            "Ask your provider which part of the route removes headers; without them Gmail and Yahoo show no button.",
            raw, detail,
        )  # fmt: skip
    if not evidence.signatures:
        return Finding(
            "unsubscribe", name, FAIL, "One-click is not signed by your provider: the mail arrived without a DKIM signature.",
            "Turn DKIM on at your provider. A mail to the same server is often not signed: send the seed to a mailbox "
            "at another provider and paste it here as it arrived.", raw, detail,
        )  # fmt: skip
    covering = [s for s in evidence.signatures if s.covers_one_click]
    if not covering:
        first = evidence.signatures[0]
        missing = " and ".join(
            h for h in ("List-Unsubscribe", "List-Unsubscribe-Post") if h.lower() not in first.headers
        )
        return Finding(
            "unsubscribe", name, FAIL, f"One-click not signed by your provider: its signature (d={first.domain}) does not "
            f"cover {missing}.",
            "RFC 8058 asks for it, and only your provider can sign them. Ask it to add both headers to h=, or send by a "
            "service that does. The headers are sent either way, and the links in the mail work.", raw, detail,
        )  # fmt: skip
    if evidence.verdicts.get("dkim") not in {None, "pass"}:
        return Finding(
            "unsubscribe", name, WARN, f"Both headers are signed, but the receiver says dkim={evidence.verdicts['dkim']}.",
            "Check the DKIM key above; a signature that does not verify covers nothing.", raw, detail,
        )  # fmt: skip
    return Finding(
        "unsubscribe", name, OK, f"Both one-click headers are signed by d={covering[0].domain}.", "", raw, detail
    )
