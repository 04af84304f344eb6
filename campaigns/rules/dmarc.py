"""DMARC by RFC 9989 (it obsoletes RFC 7489): the tree walk to the organisational domain, the policy in force, alignment.

`pct` is gone; `t=y` asks receivers to apply one step less, `psd` marks registries, `np` is for subdomains that do not exist.
"""

from dataclasses import dataclass, field

from campaigns.rules.dkim import read_tags
from campaigns.rules.findings import FAIL, OK, WARN, Answer, Finding, Lookup, no_answer, record

MAX_LABELS = 8
POLICIES = ("none", "quarantine", "reject")
_LESS = {"reject": "quarantine", "quarantine": "none", "none": "none"}


@dataclass(frozen=True, slots=True)
class Record:
    """One DMARC record at `domain`, its tags read; `problem` in words where receivers ignore it."""

    domain: str
    raw: str
    tags: dict[str, str]
    problem: str = ""

    @property
    def psd(self) -> str:
        return self.tags.get("psd", "u").lower()


@dataclass(slots=True)
class Walk:
    """What a tree walk found: records by domain in the order asked, the organisational domain, and errors."""

    asked: list[str] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    several: dict[str, int] = field(default_factory=dict)  # names with more than one record: receivers discard all
    org_domain: str = ""
    error: str = ""


def walk_names(domain: str) -> list[str]:
    """The names a walk asks, longest first: the domain itself, then from at most 7 labels down to one (section 4.10)."""
    labels = domain.lower().rstrip(".").split(".")
    names = [".".join(labels)]
    rest = labels[1:] if len(labels) < MAX_LABELS else labels[-(MAX_LABELS - 1) :]
    while rest:
        names.append(".".join(rest))
        rest = rest[1:]
    return names


def walk(domain: str, lookup: Lookup) -> Walk:
    """Walk the tree from `domain` upwards and find the organisational domain (section 4.10.2)."""
    found = Walk()
    start = domain.lower().rstrip(".")
    for name in walk_names(start):
        found.asked.append(f"_dmarc.{name}")
        answer = lookup(f"_dmarc.{name}", "TXT")
        if answer.status == "error":
            found.error = found.error or f"_dmarc.{name}: {answer.words}"
            continue
        texts = [text for text in answer.records if _is_dmarc(text)]
        if len(texts) > 1:
            found.several[name] = len(texts)
            continue
        if not texts:
            continue
        row = Record(name, texts[0], read_tags(texts[0]))
        found.records[name] = row
        if row.psd == "n":
            found.org_domain = name
            return found
        if row.psd == "y" and name != start:
            # A registry's record: one label below it is somebody's own.
            labels = start.split(".")
            found.org_domain = ".".join(labels[-(name.count(".") + 2) :])
            return found
    # No mark: the record with the fewest labels; without any record, the domain stands for itself.
    found.org_domain = min(found.records, key=lambda name: name.count("."), default=start)
    return found


def _is_dmarc(text: str) -> bool:
    head, _, _ = text.partition(";")
    name, _, value = head.partition("=")
    return name.strip().lower() == "v" and value.strip() == "DMARC1"


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force for a domain: what receivers are asked to do, from which record, and why."""

    policy: str
    record: Record
    source: str  # p, sp or np
    testing: bool = False

    @property
    def applied(self) -> str:
        """What receivers apply: with t=y one step less."""
        return _LESS[self.policy] if self.testing else self.policy


def policy_of(domain: str, found: Walk) -> Policy | None:
    """The policy for mail from `domain`: its own record, else the organisational domain's, else the registry's."""
    start = domain.lower().rstrip(".")
    own = found.records.get(start)
    row = own or found.records.get(found.org_domain)
    if row is None:
        row = next((r for r in found.records.values() if r.psd == "y"), None)
    if row is None:
        return None
    names = ("p",) if row is own else ("sp", "p")
    source = next((name for name in names if row.tags.get(name, "").lower() in POLICIES), "")
    if not source:
        # Section 4.7: without a policy that can be read, a record with a report address counts as p=none.
        if not row.tags.get("rua", "").lower().startswith("mailto:"):
            return None
        return Policy("none", row, "p")
    return Policy(row.tags[source].lower(), row, source, testing=row.tags.get("t", "n").lower() == "y")


def is_aligned(from_domain: str, other: str, *, strict: bool, lookup: Lookup) -> bool:
    """Whether an authenticated domain (DKIM d=, SPF's sender) is aligned with the From domain."""
    left, right = from_domain.lower().rstrip("."), other.lower().rstrip(".")
    if strict or left == right:
        return left == right
    return walk(left, lookup).org_domain == walk(right, lookup).org_domain


def check_dmarc(domain: str, lookup: Lookup, *, signed_by: tuple[str, ...] = ()) -> Finding:
    """The finding for mail from `domain`; `signed_by` are the d= of signatures seen on its mail."""
    found = walk(domain, lookup)
    policy = policy_of(domain, found)
    fresh = record("TXT", f"_dmarc.{domain}", f"v=DMARC1; p=none; rua=mailto:dmarc@{domain}")
    detail = {"asked": found.asked, "org_domain": found.org_domain}
    if domain in found.several or (policy is None and found.several):
        name = domain if domain in found.several else next(iter(found.several))
        return Finding(
            "dmarc", domain, FAIL, f"There are {found.several[name]} DMARC records at _dmarc.{name}; receivers discard all.",
            "Keep one.", "", detail,
        )  # fmt: skip
    if policy is None:
        if found.error:
            return no_answer("dmarc", domain, Answer("error", words=found.error))
        raw = "\n".join(row.raw for row in found.records.values())
        words = "Its record cannot be used: it has no policy (p=) that can be read." if raw else "No DMARC record."
        return Finding(
            "dmarc", domain, FAIL, f"{words} Gmail, Yahoo and Microsoft ask bulk senders for one.",
            "Publish this record. p=none changes nothing for your mail; the reports show who sends as you.",
            raw, detail | {"record": fresh},
        )  # fmt: skip
    row, tags = policy.record, policy.record.tags
    detail |= {
        "policy": policy.policy, "applied": policy.applied, "source": policy.source, "at": row.domain,
        "adkim": tags.get("adkim", "r").lower(), "aspf": tags.get("aspf", "r").lower(), "rua": tags.get("rua", ""),
        "np": tags.get("np", ""),
    }  # fmt: skip
    where = "" if row.domain == domain.lower() else f", from {row.domain} ({policy.source}=)"
    says = f"Policy {policy.policy}{where}; organisational domain {found.org_domain}."
    strict = detail["adkim"] == "s"
    stray = [d for d in signed_by if not is_aligned(domain, d, strict=strict, lookup=lookup)]
    detail["aligned"] = [d for d in signed_by if d not in stray]
    if signed_by and not detail["aligned"]:
        return Finding(
            "dmarc", domain, FAIL, f"{says} Your mail is signed by {', '.join(stray)}, which is not aligned with {domain}: "
            "the signature does not count for DMARC.",
            f"Turn on DKIM for {domain} itself at your provider, so that it signs with d={domain}.", row.raw, detail,
        )  # fmt: skip
    doubts = _doubts(policy, row)
    if policy.applied == "none":
        doubts.insert(0, "p=none meets what providers ask for and protects nobody from forged mail in your name")
    if doubts:
        fix = (
            "Read the reports for some weeks; then p=quarantine."
            if policy.applied == "none" and tags.get("rua")
            else f"Add rua=mailto:dmarc@{domain}, so that reports reach you."
            if not tags.get("rua")
            else "Correct the record; what is not known is passed over."
        )
        return Finding("dmarc", domain, WARN, f"{says} {'; '.join(doubts)}."[:500], fix, row.raw, detail)
    return Finding("dmarc", domain, OK, says, "", row.raw, detail)


def _doubts(policy: Policy, row: Record) -> list[str]:
    tags, doubts = row.tags, []
    if policy.testing:
        doubts.append(f"t=y: receivers apply {policy.applied} instead of {policy.policy}")
    if "pct" in tags:
        doubts.append("pct is no longer read (RFC 9989); t=y is what is left of it")
    if not tags.get("rua"):
        doubts.append("no address for reports (rua=)")
    elif not all(uri.strip().lower().startswith("mailto:") for uri in tags["rua"].split(",")):
        doubts.append("rua= has an address that is no mailto:")
    doubts.extend(
        f"{name}={tags[name]} is no policy"
        for name in ("p", "sp", "np")
        if name in tags and tags[name].lower() not in POLICIES
    )
    doubts.extend(
        f"{name}={tags[name]} is neither r nor s"
        for name in ("adkim", "aspf")
        if tags.get(name, "r").lower() not in {"r", "s"}
    )
    return doubts
