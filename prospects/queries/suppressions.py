"""Who must never be sent anything. Fails closed: an address that cannot be read counts as suppressed by its callers."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched

from django.db.models import Exists, OuterRef, Q, QuerySet

from leadgen.core.secrets import digest
from leadgen.core.tenancy import current_workspace_id
from prospects.models import Person, Suppression
from prospects.rules import normalise

BATCH = 5000


def suppression_digest(value: str) -> str:
    """The keyed hash an address, domain or number is kept by in the active workspace; `value` is normalised already."""
    return digest(value, purpose=f"suppression:{current_workspace_id()}")


def suppression_digests(email: str) -> list[str]:
    """The hashes that may suppress `email` (normalised): its own, its host's, its registrable domain's."""
    return [suppression_digest(value) for _, value in _names(email)] if email else []


def suppressions_of(emails: Iterable[str]) -> dict[str, Suppression]:
    """The suppression in force for each address (of the address itself before that of its domain); absent: none.

    `emails` are normalised (lower case), as Person.email is; keys are the same texts. Any number: read in batches.
    """
    found: dict[str, Suppression] = {}
    for batch in batched(dict.fromkeys(email for email in emails if email), BATCH):
        keys = {email: [(kind, suppression_digest(value)) for kind, value in _names(email)] for email in batch}
        in_force = _in_force(sorted({key for listed in keys.values() for _, key in listed}))
        for email, listed in keys.items():
            hit = next((in_force[key] for key in listed if key in in_force), None)
            if hit is not None:
                found[email] = hit
    return found


def is_suppressed(emails: Iterable[str]) -> set[str]:
    """Those of `emails` that must not be written to."""
    return set(suppressions_of(emails))


def suppression_of(kind: str, value: str) -> Suppression | None:
    """The suppression in force for exactly this normalised value, without its domain."""
    key = suppression_digest(value)
    return _in_force([key]).get((kind, key))


def suppressed_phones(phones: Iterable[str]) -> set[str]:
    """Those numbers (E.164) nobody may call."""
    keys = {phone: suppression_digest(phone) for phone in phones if phone}
    in_force = _in_force(sorted(keys.values()))
    return {phone for phone, key in keys.items() if (Suppression.Kind.PHONE, key) in in_force}


def in_force() -> "QuerySet[Suppression]":
    """Every suppression that holds now: the newest row of its address, and not a lift."""
    newer = Suppression.objects.filter(kind=OuterRef("kind"), digest=OuterRef("digest")).filter(
        Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), id__gt=OuterRef("id"))
    )
    return Suppression.objects.filter(act=Suppression.Act.ADD).exclude(Exists(newer))


EXPORT_COLUMNS = ("kind", "address", "masked", "reason", "since", "by", "hash", "note")
_HASH = re.compile(r"([0-9a-f]{8}):([0-9a-f]{64})")


def ledger_mark() -> str:
    """What marks this workspace's hashes in an export: those of another one mean nothing here."""
    return suppression_digest("ledger")[:8]


def digest_of_export(text: str) -> str | None:
    """The hash in an export's column `hash`; None where it is none, or another workspace's."""
    found = _HASH.fullmatch(text.strip())
    return found.group(2) if found is not None and found.group(1) == ledger_mark() else None


def export_rows() -> Iterator[list[str]]:
    """What holds now, the newest first, as rows of EXPORT_COLUMNS. `suppress_list` reads them back in this workspace.

    Addresses are kept as hashes: the plain one is given where a person here has it, and for domains.
    """
    known, mark = addresses_here(), ledger_mark()
    rows = in_force().select_related("member").order_by("-at", "-id")
    for row in rows.iterator(chunk_size=2000):
        plain = row.hint if row.kind == Suppression.Kind.DOMAIN else known.get((row.kind, row.digest), "")
        yield [
            row.kind, plain, row.hint, row.reason, row.at.isoformat(), str(row.member or ""), f"{mark}:{row.digest}",
            row.note,
        ]  # fmt: skip


def addresses_here() -> dict[tuple[str, str], str]:
    """(kind, digest) -> the address, for the addresses and domains of people in this workspace: hashes cannot be read back.

    For exports only: one keyed hash a person.
    """
    found: dict[tuple[str, str], str] = {}
    for email in Person.objects.exclude(email="").values_list("email", flat=True).iterator(chunk_size=5000):
        for kind, value in _names(email):
            found[kind, suppression_digest(value)] = value
    return found


def _names(email: str) -> Iterator[tuple[str, str]]:
    """What may suppress an address: itself, its host, the domain its host belongs to."""
    yield Suppression.Kind.EMAIL, email
    host = email.rpartition("@")[2]
    yield Suppression.Kind.DOMAIN, host
    registrable = normalise.registrable(host)
    if registrable != host:
        yield Suppression.Kind.DOMAIN, registrable


def _in_force(digests: Sequence[str]) -> dict[tuple[str, str], Suppression]:
    rows = (
        Suppression.objects.filter(kind__in=Suppression.Kind.values, digest__any=digests)
        .order_by("kind", "digest", "-at", "-id")
        .distinct("kind", "digest")
    )
    return {(row.kind, row.digest): row for row in rows if row.act == Suppression.Act.ADD}
