"""System checks: what would make the locks or the secrets worthless stops the start."""

from typing import Any

from django.core.checks import Error, Tags, register
from django.core.checks import Warning as CheckWarning

from leadgen.core import database, secrets
from leadgen.core.rulelang.text import check_locale
from leadgen.core.tenancy import PlainManager, TenantManager, tenant_models


@register()
def tenant_models_are_locked(**kwargs: Any) -> list[Any]:
    """Every tenant model keeps the raising manager and leads its unique keys and indexes with the workspace."""
    found: list[Any] = []
    for model in tenant_models():
        if type(model._default_manager) is not TenantManager:
            found.append(Error(f"{model._meta.label} does not use TenantManager.", obj=model, id="leadgen.E001"))
        if not isinstance(model._base_manager, PlainManager):
            found.append(Error(f"{model._meta.label} lost its base manager.", obj=model, id="leadgen.E002"))
        for constraint in model._meta.constraints:
            fields = getattr(constraint, "fields", ())
            if fields and fields[0] != "workspace":
                found.append(
                    Error(
                        f"{model._meta.label}: {constraint.name} does not lead with workspace.",
                        obj=model,
                        id="leadgen.E003",
                    )
                )
        for index in model._meta.indexes:
            first = index.fields[0] if index.fields else getattr(index.expressions[0], "name", "")
            if first not in {"workspace", "workspace_id"}:
                found.append(
                    Error(
                        f"{model._meta.label}: {index.name} does not lead with workspace.", obj=model, id="leadgen.E004"
                    )
                )
    return found


@register()
def field_keys_work(**kwargs: Any) -> list[Any]:
    """The keys that seal secrets at rest can be used."""
    problem = secrets.key_problem()
    return [Error(problem, hint="Set FIELD_KEYS to Fernet keys, newest first.", id="leadgen.E005")] if problem else []


@register(Tags.database)
def app_role_is_bound(databases: Any = None, **kwargs: Any) -> list[Any]:
    """The app role neither owns the tables nor bypasses row-level security; trigram search may use its index."""
    if not databases or "default" not in databases:
        return []
    found: list[Any] = [Error(text, id="leadgen.E006") for text in database.check_app_role()]
    found += [CheckWarning(text, id="leadgen.W001") for text in database.check_leakproof()]
    found += [CheckWarning(text, id="leadgen.W002") for text in check_locale()]
    return found
