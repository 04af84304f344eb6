"""ICPs: drafted, published as immutable versions, one of them primary, archived."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.fit import ScoreRun, score_or_ring
from prospects.actions.leads import evaluate_people
from prospects.models import AgreementVersion, Icp, IcpVersion, Lead, Stage
from prospects.models.locks import lock, lock_row
from prospects.queries.fit import current_version
from prospects.rules import icps as rules

# Leads looked at again when another profile becomes primary; the rest follow with their next interest.
RECONSIDERED = 500


def create_icp(*, by: Actor, now: datetime, name: str, content: Mapping[str, Any] | None = None) -> IcpVersion:
    """A new profile with a draft as version 1, which is returned (the profile is its `.icp`). Scores nobody yet."""
    checked = rules.check_content(content or {})
    icp = Icp(name=_name(name), created_at=now, created_by=by.member)
    try:
        with transaction.atomic():
            icp.save()
    except IntegrityError:
        raise Conflict(f"There is an ICP “{icp.name}” already.", code="duplicate", field="name") from None
    version = IcpVersion(icp=icp, number=1, created_at=now, **checked)
    version.save()
    write_audit(by=by, action="icp.created", now=now, target=icp)
    return version


def rename_icp(*, icp: Icp, name: str, by: Actor, now: datetime) -> Icp:
    """Another name; the same name changes nothing."""
    lock_row(icp)
    name = _name(name)
    if name == icp.name:
        return icp
    if Icp.objects.filter(name=name).exclude(pk=icp.pk).exists():
        raise Conflict(f"There is an ICP “{name}” already.", code="duplicate", field="name")
    write_audit(
        by=by, action="icp.renamed", now=now, target=icp, label=name, detail={"changes": {"name": [icp.name, name]}}
    )
    icp.name = name
    icp.save(update_fields=["name"])
    return icp


def draft_of(*, icp: Icp, by: Actor, now: datetime) -> IcpVersion:
    """The draft under way, or a new one that begins as the version in force."""
    lock_row(icp)
    _refuse_archived(icp)
    draft = IcpVersion.objects.select_related("icp").filter(icp=icp, published_at__isnull=True).first()
    if draft is not None:
        return draft
    last = IcpVersion.objects.filter(icp=icp).order_by("-number").first()
    content = deepcopy(rules.content_of(last)) if last is not None else rules.EMPTY
    draft = IcpVersion(icp=icp, number=last.number + 1 if last else 1, created_at=now, **content)
    draft.save()
    write_audit(by=by, action="icp.drafted", now=now, target=icp, label=f"{icp.name} v{draft.number}")
    return draft


def edit_draft(
    *, version: IcpVersion, content: Mapping[str, Any], by: Actor, now: datetime, note: str | None = None
) -> IcpVersion:
    """Replace the given parts of a draft (rules.icps.PARTS); what is not given stays. A published version is Conflict."""
    _lock_draft(version)
    checked = rules.check_content({**rules.content_of(version), **content})
    for name, value in checked.items():
        setattr(version, name, value)
    if note is not None:
        version.note = " ".join(note.split())[:300]
    version.save(update_fields=[*checked, "note"])
    return version


def discard_draft(*, version: IcpVersion, by: Actor, now: datetime) -> None:
    """Throw a draft away. The only version of a profile takes the profile with it."""
    icp = _lock_draft(version)
    label = f"{icp.name} v{version.number}"
    number = version.number
    if IcpVersion.objects.filter(icp=icp).count() == 1:
        _refuse_named(icp)
        icp.delete()
    else:
        version.delete()
    write_audit(by=by, action="icp.discarded", now=now, target_type="icp", label=label, detail={"version": number})


def publish_version(*, version: IcpVersion, by: Actor, now: datetime, note: str | None = None) -> ScoreRun | None:
    """Put a draft in force: from now on it cannot be changed, and everybody is scored by it.

    Returns the run where it was scored at once, None where a worker does it. The first profile in force becomes primary.
    """
    icp = _lock_draft(version)
    former = current_version(icp)
    content = rules.check_content(rules.content_of(version), complete=True)
    if former is not None and not rules.changes(rules.content_of(former), content):
        raise Invalid(f"Nothing differs from version {former.number}.", code="no_change", field="criteria")
    for name, value in content.items():
        setattr(version, name, value)
    if note is not None:
        version.note = " ".join(note.split())[:300]
    version.published_at, version.published_by = now, by.member
    version.save()
    write_audit(
        by=by, action="icp.published", now=now, target=icp, label=f"{icp.name} v{version.number}",
        detail={"version": version.number, "note": version.note,
                "what": rules.changes(rules.content_of(former), content)[:20] if former else []},
    )  # fmt: skip
    if not Icp.objects.filter(is_primary=True).exists():
        _make_primary(icp)
    return score_or_ring(icp=icp, now=now)


def set_primary_icp(*, icp: Icp, by: Actor, now: datetime) -> Icp:
    """Make this the profile whose fit lists, queue and agreement show. Leads at stage lead are looked at again."""
    list(lock(Icp.objects.all()))
    lock_row(icp)
    _refuse_archived(icp)
    if icp.is_primary:
        return icp
    if current_version(icp) is None:
        raise Conflict("Publish a version first: nobody is scored by a draft.", code="not_published")
    _make_primary(icp)
    write_audit(by=by, action="icp.made_primary", now=now, target=icp)
    waiting = Lead.objects.filter(stage=Stage.LEAD, person__isnull=False).order_by("-created_at")
    evaluate_people(people=waiting.values_list("person_id", flat=True)[:RECONSIDERED], now=now)
    return icp


def archive_icp(*, icp: Icp, by: Actor, now: datetime) -> Icp:
    """Take a profile out of use: nobody is scored by it any more. Refused while it is primary beside others, or agreed on."""
    lock_row(icp)
    if icp.is_archived:
        return icp
    others = Icp.objects.filter(is_archived=False).exclude(pk=icp.pk).exists()
    if icp.is_primary and others:
        raise Conflict(f"“{icp.name}” is the primary ICP. Make another one primary first.", code="primary")
    _refuse_named(icp)
    icp.is_archived, icp.is_primary = True, False
    icp.save(update_fields=["is_archived", "is_primary"])
    write_audit(by=by, action="icp.archived", now=now, target=icp)
    return icp


def restore_icp(*, icp: Icp, by: Actor, now: datetime) -> Icp:
    """Back into use, and scored anew."""
    lock_row(icp)
    if not icp.is_archived:
        return icp
    icp.is_archived = False
    icp.save(update_fields=["is_archived"])
    write_audit(by=by, action="icp.restored", now=now, target=icp)
    if current_version(icp) is not None:
        if not Icp.objects.filter(is_primary=True).exists():
            _make_primary(icp)
        score_or_ring(icp=icp, now=now)
    return icp


def _make_primary(icp: Icp) -> None:
    Icp.objects.filter(is_primary=True).exclude(pk=icp.pk).update(is_primary=False)
    icp.is_primary = True
    icp.save(update_fields=["is_primary"])


def _lock_draft(version: IcpVersion) -> Icp:
    """Lock the profile, then its draft; Conflict where it was published meanwhile."""
    icp: Icp = lock_row(version.icp)
    _refuse_archived(icp)
    if not IcpVersion.objects.filter(pk=version.pk).exists():
        raise Conflict("This draft was discarded.", code="not_draft")
    lock_row(version)
    version.icp = icp
    if version.published_at is not None:
        raise Conflict(
            f"Version {version.number} is published and cannot be changed. Make a new draft.", code="not_draft"
        )
    return icp


def _refuse_archived(icp: Icp) -> None:
    if icp.is_archived:
        raise Conflict(f"“{icp.name}” is archived. Restore it first.", code="archived")


def _refuse_named(icp: Icp) -> None:
    state = AgreementVersion.State
    agreed = AgreementVersion.objects.filter(icp=icp).exclude(state=state.REPLACED).first()
    if agreed is not None:
        raise Conflict(f"Agreement v{agreed.number} reads the fit of “{icp.name}”.", code="agreed")


def _name(name: str) -> str:
    text = " ".join(str(name).split())
    if not text:
        raise Invalid("Name the ICP: what is sold, or to whom.", field="name")
    if len(text) > 120:
        raise Invalid("At most 120 characters.", field="name")
    return text
