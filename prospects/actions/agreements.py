"""The agreement: drafted, proposed, signed by marketing and by sales, then in force in place of the former."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actions.audit import SYSTEM, Actor, write_audit
from accounts.permissions import member_allows
from leadgen.core.errors import Conflict, Invalid, Refused
from leadgen.core.tenancy import current_workspace_id
from prospects.models import AgreementVersion, Icp
from prospects.models.locks import lock, lock_row
from prospects.queries.agreements import TERMS, signed_agreement
from prospects.rules import agreements as rules

State = AgreementVersion.State
MINUTES = ("first_touch_minutes", "sdr_decision_minutes", "ae_decision_minutes")


def ensure_first_agreement(now: datetime) -> AgreementVersion:
    """The agreement in force; in a new workspace version 1 with the defaults of rules.agreements, made once."""
    found = signed_agreement()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            version = AgreementVersion(
                number=1, state=State.SIGNED, created_at=now, effective_at=now,
                note="The definitions every workspace starts with. Change them in a draft that both teams sign.",
                **deepcopy(rules.DEFAULTS),
            )  # fmt: skip
            version.save()
    except IntegrityError:
        # Somebody else made it at the same time.
        return AgreementVersion.objects.get(state=State.SIGNED)
    write_audit(by=SYSTEM, action="agreement.created", now=now, target=version, label="Agreement v1")
    return version


def draft_agreement(*, by: Actor, now: datetime) -> AgreementVersion:
    """The draft or proposal under way, or a new draft with the terms in force."""
    current = ensure_first_agreement(now)
    lock(AgreementVersion.objects.filter(pk=current.pk)).get()
    under_way = AgreementVersion.objects.filter(state__in=(State.DRAFT, State.PROPOSED)).order_by("-number").first()
    if under_way is not None:
        return under_way
    last = AgreementVersion.objects.order_by("-number").values_list("number", flat=True)[0]
    version = AgreementVersion(
        number=last + 1, state=State.DRAFT, created_at=now, icp_id=current.icp_id,
        **{name: deepcopy(getattr(current, name)) for name in TERMS},
    )  # fmt: skip
    version.save()
    write_audit(by=by, action="agreement.drafted", now=now, target=version, label=f"Agreement v{version.number}")
    return version


def edit_draft(*, version: AgreementVersion, changes: Mapping[str, Any], by: Actor, now: datetime) -> AgreementVersion:
    """Change terms of a draft (names of queries.agreements.TERMS, `note`, `icp`). Invalid names the clause at fault."""
    version = _locked(version)
    if version.state != State.DRAFT:
        raise Conflict("Only a draft can be changed. Withdraw the proposal first.", code="not_draft")
    cleaned = {name: _clean(name, value) for name, value in changes.items()}
    for name, value in cleaned.items():
        setattr(version, name, value)
    version.save(update_fields=list(cleaned)) if cleaned else None
    return version


def propose_agreement(*, version: AgreementVersion, by: Actor, now: datetime) -> AgreementVersion:
    """Put a draft before both teams: its terms are fixed from here on. Proposing twice is once."""
    version = _locked(version)
    if version.state == State.PROPOSED:
        return version
    if version.state != State.DRAFT:
        raise Conflict(f"Version {version.number} is {version.get_state_display().lower()} already.", code="not_draft")
    for name in TERMS:
        _clean(name, getattr(version, name))
    version.state, version.proposed_at, version.proposed_by = State.PROPOSED, now, by.member
    version.save(update_fields=["state", "proposed_at", "proposed_by"])
    write_audit(by=by, action="agreement.proposed", now=now, target=version, label=f"Agreement v{version.number}")
    return version


def withdraw_proposal(*, version: AgreementVersion, by: Actor, now: datetime) -> AgreementVersion:
    """Make a proposal a draft again; signatures given so far fall away."""
    version = _locked(version)
    if version.state == State.DRAFT:
        return version
    if version.state != State.PROPOSED:
        raise Conflict("Only a proposal can be withdrawn.", code="not_proposed")
    version.state = State.DRAFT
    version.proposed_at = version.marketing_signed_at = version.sales_signed_at = None
    version.proposed_by = version.marketing_signed_by = version.sales_signed_by = None
    version.save()
    write_audit(by=by, action="agreement.withdrawn", now=now, target=version, label=f"Agreement v{version.number}")
    return version


def sign_agreement(*, version: AgreementVersion, side: str, by: Actor, now: datetime) -> AgreementVersion:
    """Sign a proposal for `marketing` or `sales`. With both signatures it takes effect at once and replaces the former.

    Points are awarded again under its terms, and open leads that meet its MQL clause now become MQL; no lead is moved
    back. Signing twice is once. Raises Refused where the member may not sign for that side.
    """
    # Both build on this module: what follows from a signature is theirs.
    from prospects.actions.engagement import apply_version
    from prospects.actions.leads import evaluate_open_leads

    if side not in ("marketing", "sales"):
        raise Invalid("Sign for marketing or for sales.", field="side")
    if by.member is None or not member_allows(by.member, f"agreements.sign_{side}"):
        raise Refused(f"Your role may not sign for {side}.", code="may_not_sign")
    # The version in force is locked first, so that two last signatures cannot both replace it.
    current = ensure_first_agreement(now)
    lock_row(current)
    lock_row(version)
    if getattr(version, f"{side}_signed_at") is not None:
        return version
    if version.state != State.PROPOSED:
        raise Conflict("Only a proposal can be signed.", code="not_proposed")
    setattr(version, f"{side}_signed_at", now)
    setattr(version, f"{side}_signed_by", by.member)
    write_audit(
        by=by, action="agreement.signed", now=now, target=version, label=f"Agreement v{version.number}",
        detail={"side": side},
    )  # fmt: skip
    if version.marketing_signed_at and version.sales_signed_at:
        if current.state != State.SIGNED:
            raise Conflict("Another version was signed a moment ago. Look at it first.", code="replaced")
        current.state, current.replaced_at = State.REPLACED, now
        current.save(update_fields=["state", "replaced_at"])
        version.state, version.effective_at = State.SIGNED, now
        version.save()
        write_audit(
            by=by, action="agreement.effective", now=now, target=version, label=f"Agreement v{version.number}",
            detail={"replaces": current.number},
        )  # fmt: skip
        apply_version(version=version, now=now)
        evaluate_open_leads(now=now)
    else:
        version.save()
    return version


def _locked(version: AgreementVersion) -> AgreementVersion:
    return lock_row(version, "icp")


def _clean(name: str, value: Any) -> Any:
    """One term as it is kept; raises Invalid with the name of the term."""
    try:
        return _CLEANERS[name](value)
    except KeyError:
        raise Invalid(f"An agreement has no term “{name}”.", field=name) from None
    except ValueError as error:
        raise Invalid(str(error), field=name) from error
    except Invalid as error:
        raise Invalid(error.message, field=name, detail={"path": error.field}) from error


def _lead_clause(value: Any) -> dict[str, Any]:
    kinds = [kind for kind in rules.INTEREST if kind in (value or {}).get("kinds", ())]
    unknown = sorted(set((value or {}).get("kinds", ())) - set(rules.INTEREST))
    if unknown:
        raise ValueError(f"“{unknown[0]}” cannot open a lead. Use: {', '.join(rules.INTEREST)}.")
    if not kinds:
        raise ValueError("Name at least one kind of interest that opens a lead.")
    return {"kinds": kinds, "imports": bool(value.get("imports", True))}


def _sql_clause(value: Any) -> dict[str, Any]:
    asked = list((value or {}).get("required", ()))
    unknown = sorted(set(asked) - set(rules.SQL_ITEMS))
    if unknown:
        raise ValueError(f"“{unknown[0]}” is not an item of SQL. Use: {', '.join(rules.SQL_ITEMS)}.")
    if "conversation" not in asked:
        raise ValueError("SQL always needs a held conversation.")
    return {"required": [item for item in rules.SQL_ITEMS if item in asked]}


def _points(value: Any) -> dict[str, Any]:
    cleaned = {}
    for kind, rule in dict(value or {}).items():
        if kind not in rules.EARNING:
            raise ValueError(f"“{kind}” cannot earn points. Use: {', '.join(rules.EARNING)}.")
        try:
            points, cap = float(rule["points"]), float(rule["cap_per_day"])
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{rules.EARNING[kind]}: give points and the most points a day.") from None
        if not 0 <= points <= 1000 or not 0 <= cap <= 10_000:
            raise ValueError(f"{rules.EARNING[kind]}: points from 0 to 1,000, at most 10,000 a day.")
        if points:
            cleaned[kind] = {"points": _whole(points), "cap_per_day": _whole(cap)}
    return cleaned


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value


def _range(low: int, high: int, words: str) -> Any:
    def check(value: Any) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError(f"{words} must lie between {low} and {high:,}.")
        return number

    return check


def _reasons(value: Any) -> list[str]:
    words = list(dict.fromkeys(" ".join(str(item).split()) for item in value or () if str(item).strip()))
    if not words:
        raise ValueError("Give at least one reason.")
    if any(len(word) > 80 for word in words) or len(words) > 30:
        raise ValueError("At most 30 reasons of 80 letters each.")
    return words


def _icp(value: Any) -> Icp | None:
    if value is None or (isinstance(value, Icp) and value.workspace_id == current_workspace_id()):
        return value
    raise ValueError("Choose a profile of this workspace.")


_CLEANERS: dict[str, Any] = {
    "lead_clause": _lead_clause,
    "mql_clause": rules.check_mql_clause,
    "sql_clause": _sql_clause,
    "points": _points,
    "half_life_days": _range(1, 365, "The half-life in days"),
    **{name: _range(1, 20_000, "Minutes") for name in MINUTES},
    "reject_reasons": _reasons,
    "disqualify_reasons": _reasons,
    "note": lambda value: str(value or "").strip()[:2000],
    "icp": _icp,
}
