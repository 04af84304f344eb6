"""Every table of the database is tenant, global or local; the catalogue meta-test refuses one that is not named here.

Tenant tables are the TenantModel subclasses (and Workspace itself, whose policy follows membership). Global tables are
read before a workspace is known, or belong to a person rather than a workspace. Local tables are the framework's own.
"""

from typing import Any

from leadgen.core.tenancy import AppendOnlyModel, tenant_models

GLOBAL_TABLES = {
    "accounts_user",
    "accounts_systemmail",
    "account_emailaddress",
    "account_emailconfirmation",
    "mfa_authenticator",
    "usersessions_usersession",
    "django_session",
    "core_lane",
    "core_heartbeat",
    "core_installation",
}
LOCAL_TABLES = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
}
WORKSPACE_TABLE = "accounts_workspace"
MEMBER_TABLE = "accounts_member"


def tenant_tables() -> list[str]:
    """Tables with a `workspace_id` and the plain policy, without Member and Workspace, which have their own."""
    return [m._meta.db_table for m in tenant_models() if m._meta.db_table != MEMBER_TABLE]


def append_only_tables() -> set[str]:
    """Tables on which the app role may only INSERT and SELECT."""
    return {m._meta.db_table for m in tenant_models() if issubclass(m, AppendOnlyModel)}


def movable_columns() -> list[tuple[str, str]]:
    """(table, column) of append-only tables that a merge may point at another row."""
    return [
        (m._meta.db_table, str(f.column))
        for m in tenant_models()
        if issubclass(m, AppendOnlyModel)
        for f in m._meta.concrete_fields
        if f.name in m.movable
    ]


def erasable_fields() -> list[Any]:
    """Columns of append-only tables that may forget whom they tell of (`erasable` of the model); the facts stay."""
    return [
        f
        for m in tenant_models()
        if issubclass(m, AppendOnlyModel)
        for f in m._meta.concrete_fields
        if f.name in getattr(m, "erasable", ())
    ]


def forgettable_columns() -> list[tuple[str, str]]:
    """(table, column of its date) of append-only tables whose rows may go by age (`forgettable` of the model)."""
    found = []
    for m in tenant_models():
        date: Any = getattr(m, "forgettable", None)
        if issubclass(m, AppendOnlyModel) and date is not None:
            found.append((m._meta.db_table, str(date)))
    return found
