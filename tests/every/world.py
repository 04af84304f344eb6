"""One row of every tenant model in a workspace, made by reading the models: a new table is covered the day it exists."""

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Member, Workspace
from leadgen.core.tenancy import TenantModel, tenant_models, workspace_scope

AT = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def _value(field: Any, mark: str) -> Any:
    """Something a column of this kind accepts, carrying `mark` wherever it holds text."""
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, ArrayField):
        inside = field.base_field
        is_text = isinstance(inside, models.CharField | models.TextField)
        return [mark[:12] if is_text else _value(inside, mark)]
    if isinstance(field, models.GenericIPAddressField):
        return "127.0.0.1"
    if isinstance(field, models.BinaryField):
        return mark.encode()
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.JSONField):
        return field.get_default() if field.has_default() else {"mark": mark}
    if isinstance(field, models.DateTimeField):
        return AT
    if isinstance(field, models.DateField):
        return date(2026, 3, 4)
    if isinstance(field, models.TimeField):
        return time(9)
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.DecimalField):
        return Decimal(1)
    if isinstance(field, models.FloatField | models.IntegerField):
        return 1
    if isinstance(field, models.CharField | models.TextField):
        limit = field.max_length or 60
        return f"{mark}-{field.model.__name__}-{field.name}"[:limit] if limit > 12 else mark[:limit]
    raise NotImplementedError(f"{field}: teach tests/every/world.py this kind of column")


def fill_workspace(workspace: Workspace, member: Member, mark: str) -> dict[type[TenantModel], TenantModel]:
    """Make one row of each tenant model; foreign keys point at the rows made before. Returns them by model."""
    made: dict[type[TenantModel], TenantModel] = {Member: member}
    with workspace_scope(workspace.pk):
        waiting = [model for model in tenant_models() if model is not Member]
        while waiting:
            ready = [model for model in waiting if _targets(model, required=True) <= made.keys()]
            assert ready, f"these tables need each other: {waiting}"
            for model in ready:
                made[model] = _make(model, made, mark)
            waiting = [model for model in waiting if model not in made]
    return made


def _targets(model: type[TenantModel], *, required: bool) -> set[type[Any]]:
    return {
        field.remote_field.model
        for field in model._meta.concrete_fields
        if field.remote_field
        and issubclass(field.remote_field.model, TenantModel)
        and field.remote_field.model is not model
        and not (required and field.null)
    }


# Of two keys that exclude each other the second stays empty.
EXCLUDED = {"SegmentMember": {"company"}, "TagLink": {"company"}}


def _make(model: type[TenantModel], made: dict[type[TenantModel], TenantModel], mark: str) -> TenantModel:
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.name == "workspace" or field.name in EXCLUDED.get(model.__name__, ()):
            continue
        if field.remote_field:
            target = field.remote_field.model
            if target in made:
                values[field.attname] = made[target].pk
            continue
        if not field.null or isinstance(field, models.CharField | models.TextField):
            values[field.name] = _value(field, mark)
    return model.objects.create(**values)
