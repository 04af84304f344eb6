"""Remembered mappings: kept under a name, found again by a file's columns, applied, changed, forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from django.db.models import F

from accounts.actions.audit import Actor, write_audit
from leadgen.core.errors import Conflict, Invalid
from prospects.actions.imports import EDITABLE, configure_import, table_of
from prospects.actions.imports_setup import CUSTOM_KINDS, guess, options_from_json
from prospects.models import Import, ImportTemplate
from prospects.queries.custom import definitions
from prospects.rules.imports import CATALOGUE, CUSTOM, Kind
from prospects.rules.imports_templates import applied, key, likeness
from prospects.rules.normalise import clean_text

MAX_TEMPLATES = 200
_KEPT = ("constants", "translations", "dates", "handling")


@dataclass(frozen=True, slots=True)
class Offer:
    """A template that fits a file, and why."""

    template: ImportTemplate
    why: str
    same: bool


def offers_for(run: Import) -> list[Offer]:
    """Templates that fit a file, the best first."""
    found = []
    for template in ImportTemplate.objects.filter(kind=run.kind).order_by("-used_at", "name")[:MAX_TEMPLATES]:
        alike = likeness(template.header, list(columns_of(template).values()), run.header)
        if alike is not None:
            found.append((alike.share, Offer(template, alike.why, alike.same)))
    return [offer for _, offer in sorted(found, key=lambda pair: -pair[0])]


def columns_of(template: ImportTemplate) -> dict[str, str]:
    """Field -> column of a template."""
    return {name: column for name, column in (template.settings.get("columns") or {}).items() if column}


def remember_template(*, by: Actor, now: datetime, run: Import, name: str) -> ImportTemplate:
    """Keep how this import reads its file under a name; one of that name is replaced."""
    text = _name(name)
    settings = {"columns": dict(run.mapping)} | {part: run.settings.get(part) for part in _KEPT}
    template = ImportTemplate.objects.filter(kind=run.kind, name=text).first()
    if template is None:
        if ImportTemplate.objects.count() >= MAX_TEMPLATES:
            raise Invalid(f"There are {MAX_TEMPLATES} templates already. Delete one nobody uses.", field="name")
        template = ImportTemplate(kind=run.kind, name=text, member=by.member, created_at=now)
    template.header, template.settings, template.updated_at = run.header, settings, now
    template.save()
    if run.state in EDITABLE:  # else a worker writes its settings
        run.settings = {**run.settings, "template": {"name": text, "why": "made from this file"}}
        run.save(update_fields=["settings"])
    write_audit(by=by, action="import_template.saved", now=now, target=template, label=text, detail={"kind": run.kind})
    return template


def use_template(*, run: Import, template: ImportTemplate, now: datetime) -> Import:
    """Read this file as the template says. What it left out stays out; columns it has never seen are guessed. Raises
    Conflict where the import is of another kind or ran already."""
    if template.kind != run.kind:
        raise Conflict(f"“{template.name}” is for {template.get_kind_display().lower()}.", code="other_kind")
    kind, options = cast(Kind, run.kind), options_from_json(template.settings)
    names = {spec.name for spec in CATALOGUE[kind]}
    if kind in CUSTOM_KINDS:
        names |= {f"{CUSTOM}{field.key}" for field in definitions(kind)}
    said = {name: column for name, column in applied(columns_of(template), run.header).items() if name in names}
    options = replace(options, columns=said, sheet=str(run.settings.get("sheet") or ""))
    seen = {key(column) for column in template.header}
    guessed = guess(kind, table_of(run), options).columns
    left_out = {name: "" for name, column in guessed.items() if name not in said and key(column) in seen}
    run = configure_import(run=run, options=replace(options, columns=said | left_out))
    alike = likeness(template.header, list(columns_of(template).values()), run.header)
    run.settings = {**run.settings, "template": {"name": template.name, "why": alike.why if alike else ""}}
    run.save(update_fields=["settings"])
    ImportTemplate.objects.filter(pk=template.pk).update(used_count=F("used_count") + 1, used_at=now)
    return run


def change_template(
    *,
    by: Actor,
    now: datetime,
    template: ImportTemplate,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> ImportTemplate:
    """Another name, other columns (field -> column of its file). Raises Invalid or Conflict, the field named."""
    if name is not None and _name(name) != template.name:
        template.name = _name(name)
        if ImportTemplate.objects.filter(kind=template.kind, name=template.name).exclude(pk=template.pk).exists():
            raise Conflict(f"There is a template “{template.name}” already.", code="duplicate", field="name")
    if columns is not None:
        template.settings = {**template.settings, "columns": _columns(template, columns)}
    template.updated_at = now
    template.save(update_fields=["name", "settings", "updated_at"])
    write_audit(by=by, action="import_template.changed", now=now, target=template, label=template.name)
    return template


def delete_template(*, by: Actor, now: datetime, template: ImportTemplate) -> None:
    """Forget it; imports that used it keep how they were read."""
    write_audit(by=by, action="import_template.deleted", now=now, target=template, label=template.name)
    template.delete()


def find_template(kind: str, named: str) -> ImportTemplate:
    """By name or id. Raises Invalid."""
    found = ImportTemplate.objects.filter(kind=kind, name=named).first() or next(
        (template for template in ImportTemplate.objects.filter(kind=kind) if str(template.pk) == named), None
    )
    if found is None:
        raise Invalid(f"There is no template “{named[:80]}” for {kind}.", field="template")
    return found


def field_names(kind: str) -> list[str]:
    """What a column of a template may fill."""
    own = [f"{CUSTOM}{field.key}" for field in definitions(kind)] if kind in CUSTOM_KINDS else []
    return [*(spec.name for spec in CATALOGUE[cast(Kind, kind)]), *own]


def _columns(template: ImportTemplate, columns: Mapping[str, Any]) -> dict[str, str]:
    known, names = list(template.header), field_names(template.kind)
    found: dict[str, str] = {}
    for name, column in columns.items():
        if name not in names:
            raise Invalid(f"“{name}” is no field of {template.kind}.", field="columns")
        if column and column not in known:
            raise Invalid(f"The template's file has no column “{column}”. {_listed(known)}", field="columns")
        if column:
            found[name] = str(column)
    return found


def _listed(names: Sequence[str]) -> str:
    return f"Its columns are {', '.join(names)[:300]}."


def _name(name: str) -> str:
    text = " ".join(clean_text(name).split())
    if not text:
        raise Invalid("Give the template a name.", field="name")
    if len(text) > 80:
        raise Invalid("A name has at most 80 characters.", field="name")
    return text
