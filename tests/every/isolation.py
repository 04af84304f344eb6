"""Reads the catalogue and names every way in which a table's isolation is broken. Tests drop one lock and expect its name."""

from typing import Any

from django.apps import apps
from django.db import DatabaseError, transaction

from leadgen.core import registry
from leadgen.core.tenancy import NoWorkspace, TenantManager, tenant_models

APP_ROLE = "leadgen_app"
OWNER = "leadgen_owner"


def faults(connection: Any) -> list[str]:
    """What is wrong, one sentence a fault; empty where both locks are on every table. `connection`: any psycopg connection."""
    return [
        *_unregistered(connection),
        *_row_security(connection),
        *_keys(connection),
        *_foreign_keys(connection),
        *_views(connection),
        *_roles(connection),
        *_managers(),
    ]


def _tenant_tables() -> set[str]:
    return {*registry.tenant_tables(), registry.MEMBER_TABLE, registry.WORKSPACE_TABLE}


def _unregistered(connection: Any) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind IN ('r', 'p')"
    ).fetchall()
    known = _tenant_tables() | registry.GLOBAL_TABLES | registry.LOCAL_TABLES
    return [f"{name}: in no registry" for (name,) in rows if name not in known]


def _row_security(connection: Any) -> list[str]:
    rows = connection.execute(
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = ANY(%s)",
        [list(_tenant_tables())],
    ).fetchall()
    policies = connection.execute(
        "SELECT tablename, policyname, cmd, roles::text[], coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies"
    ).fetchall()
    found = [f"{name}: row security is off" for name, on, _ in rows if not on]
    found += [f"{name}: row security is not forced" for name, _, forced in rows if not forced]
    found += [f"{name}: table is missing" for name in _tenant_tables() - {row[0] for row in rows}]
    for table in _tenant_tables():
        mine = [p for p in policies if p[0] == table and APP_ROLE in p[3]]
        if not mine:
            found.append(f"{table}: no policy for the app role")
        for _, policy, cmd, _, using, check in mine:
            if "leadgen.workspace" not in using + check:
                found.append(f"{table}: policy {policy} does not name the workspace")
            if cmd in {"ALL", "INSERT", "UPDATE"} and "leadgen.workspace" not in check:
                found.append(f"{table}: policy {policy} lets any workspace be written")
        extra = [p for p in policies if p[0] == table and not set(p[3]) <= {APP_ROLE, OWNER}]
        found += [f"{table}: policy {p[1]} holds for {p[3]}" for p in extra]
    return found


def _keys(connection: Any) -> list[str]:
    """workspace_id NOT NULL, and every index but the primary key's led by it."""
    tables = [t for t in _tenant_tables() if t != registry.WORKSPACE_TABLE]
    nullable = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace_id' AND is_nullable = 'YES' AND table_name = ANY(%s)",
        [tables],
    ).fetchall()
    indexes = connection.execute(
        """
        SELECT t.relname, i.relname, pg_get_indexdef(i.oid, 1, true)
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE t.relname = ANY(%s) AND NOT x.indisprimary
        """,
        [tables],
    ).fetchall()
    # Django's own index on a member's user serves "which workspaces am I in", asked before a workspace is known.
    led = [
        f"{t}: index {i} leads with {first}"
        for t, i, first in indexes
        if first != "workspace_id" and first != "user_id"
    ]
    return [f"{name}: workspace_id may be NULL" for (name,) in nullable] + led


def _foreign_keys(connection: Any) -> list[str]:
    """Between tenant tables only composite keys (workspace_id, x) -> (workspace_id, id)."""
    rows = connection.execute(
        """
        SELECT s.relname, c.conname, d.relname,
               (SELECT array_agg(a.attname::text ORDER BY k.ord) FROM unnest(c.conkey) WITH ORDINALITY k(num, ord)
                JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)
        FROM pg_constraint c JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class d ON d.oid = c.confrelid WHERE c.contype = 'f'
        """
    ).fetchall()
    tenant = _tenant_tables() - {registry.WORKSPACE_TABLE}
    found = [
        f"{source}: foreign key {name} to {target} does not carry the workspace"
        for source, name, target, columns in rows
        if source in tenant and target in tenant and columns[0] != "workspace_id"
    ]
    have = {(source, columns[-1]) for source, _, target, columns in rows if target in tenant}
    for model in tenant_models():
        for field in model._meta.concrete_fields:
            target = field.remote_field.model._meta.db_table if field.remote_field else ""
            if target in tenant and (model._meta.db_table, field.column) not in have:
                found.append(f"{model._meta.db_table}: {field.column} has no foreign key")
    return found


def _views(connection: Any) -> list[str]:
    rows = connection.execute(
        """
        SELECT relname, relkind, coalesce(array_to_string(reloptions, ','), '') FROM pg_class c
        JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public' AND relkind IN ('v', 'm')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        """
    ).fetchall()
    return [
        f"{name}: a {'materialised view' if kind == 'm' else 'view'} that runs as its owner"
        for name, kind, options in rows
        if kind == "m" or "security_invoker=true" not in options
    ]


def _roles(connection: Any) -> list[str]:
    role = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone()
    found = [f"{APP_ROLE} is a superuser"] if role[0] else []
    found += [f"{APP_ROLE} bypasses row security"] if role[1] else []
    owned = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tableowner = %s", [APP_ROLE]
    )
    found += [f"{name}: owned by {APP_ROLE}" for (name,) in owned.fetchall()]
    grants = connection.execute(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = %s", [APP_ROLE]
    ).fetchall()
    append_only = registry.append_only_tables()
    found += [f"{t}: the app role may {p}" for t, p in grants if p in {"TRUNCATE", "TRIGGER", "REFERENCES"}]
    found += [
        f"{t}: append-only, but the app role may {p}"
        for t, p in grants
        if t in append_only and p in {"UPDATE", "DELETE"}
    ]
    return found


def _managers() -> list[str]:
    """Every model with a workspace raises outside a scope, through every manager but the one for look-ups by key."""
    found = []
    for model in apps.get_models():
        if not any(field.name == "workspace" for field in model._meta.concrete_fields):
            continue
        if not isinstance(model._default_manager, TenantManager) or not _raises(model):
            found.append(f"{model._meta.label}: its manager answers without a workspace")
    return found


def _raises(model: Any) -> bool:
    """Whether the manager itself refuses; an error of the database means that only the second lock is left."""
    try:
        with transaction.atomic():
            model.objects.exists()
    except NoWorkspace:
        return True
    except DatabaseError:
        return False
    return False
