"""Roles, grants and superuser-only marks of a Leadgen database, and the checks that they are as both locks need them.

Three roles: a superuser who makes things once, the owner who migrates, the app role everything else runs as. The app
role neither owns tables nor bypasses row-level security; `check_app_role` refuses to start otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from psycopg import Connection

# Of the app role; no transaction of ours waits for a network or a person. Test clusters have none: tests may be slow.
IDLE_IN_TRANSACTION = "120s"
EXTENSIONS = ("pg_trgm", "btree_gin")

# Under row-level security PostgreSQL may use an index for a condition only if its functions cannot leak the rows the
# policy hides, that is, are marked LEAKPROOF. None of these tells anything of its left argument in an error (LIKE
# complains of the pattern, which the user typed). Only a superuser may mark, and a dump does not carry the marks.
LEAKPROOF = (
    "upper(text)",  # icontains, istartswith, iexact are UPPER(column) LIKE UPPER(pattern)
    "lower(text)",
    "textlike(text, text)",
    "textnlike(text, text)",
    "texticlike(text, text)",
    "starts_with(text, text)",
    "arrayoverlap(anyarray, anyarray)",  # technologies, keywords: && and @> over GIN
    "arraycontains(anyarray, anyarray)",
    "arraycontained(anyarray, anyarray)",
)


@dataclass(frozen=True)
class Target:
    """The parts of a postgresql:// URL that name a role and a database."""

    user: str
    password: str
    database: str

    @classmethod
    def of(cls, url: str) -> "Target":
        parts = urlsplit(url)
        return cls(unquote(parts.username or ""), unquote(parts.password or ""), unquote(parts.path.lstrip("/")))


def with_database(url: str, name: str) -> str:
    """The same server and role, another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def connect(url: str) -> "Connection[Any]":
    """An autocommit psycopg connection for statements outside Django (roles, databases, extensions)."""
    import psycopg

    return psycopg.connect(url, autocommit=True)


def _role(connection: "Connection[Any]", target: Target, attributes: str) -> None:
    from psycopg import sql

    if not target.password:
        raise ValueError(f"The URL of role {target.user} has no password")
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [target.user]).fetchone()
    connection.execute(
        sql.SQL("{verb} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE {attributes} PASSWORD {password}").format(
            verb=sql.SQL("ALTER" if exists else "CREATE"),
            name=sql.Identifier(target.user),
            attributes=sql.SQL(attributes),
            password=sql.Literal(target.password),
        )
    )


def bootstrap(superuser_url: str, *, app_url: str, owner_url: str, bypass_url: str | None = None) -> None:
    """Make roles, database, grants, extensions and LEAKPROOF marks; safe to repeat, and to be repeated after a restore.

    `superuser_url` may name any database of the server; `bypass_url` (a role that bypasses row-level security) is for
    test clusters only. Names and passwords of the roles are those of their URLs.
    """
    from psycopg import sql

    app, owner = Target.of(app_url), Target.of(owner_url)
    if app.user == owner.user:
        raise ValueError("DATABASE_URL and DATABASE_OWNER_URL name the same role; the app must not own its tables")
    with connect(superuser_url) as connection:
        _role(connection, owner, "NOBYPASSRLS")
        _role(connection, app, "NOBYPASSRLS")
        if not bypass_url:
            # A worker that froze inside a transaction keeps its locks, and everybody would wait for it.
            connection.execute(
                sql.SQL("ALTER ROLE {} SET idle_in_transaction_session_timeout = {}").format(
                    sql.Identifier(app.user), sql.Literal(IDLE_IN_TRANSACTION)
                )
            )
        if bypass_url:
            bypass = Target.of(bypass_url)
            _role(connection, bypass, "BYPASSRLS")
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(app.user), sql.Identifier(bypass.user)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [owner.database]).fetchone():
            create_database(connection, owner.database, owner=owner.user)
    prepare_database(with_database(superuser_url, owner.database), app=app.user, owner=owner.user)


def create_database(connection: "Connection[Any]", name: str, *, owner: str, template: str | None = None) -> None:
    """CREATE DATABASE owned by `owner`, from `template` where one is named."""
    from psycopg import sql

    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(owner), sql.Identifier(template or "template1")
        )
    )


def prepare_database(superuser_url: str, *, app: str, owner: str) -> None:
    """What a superuser does inside one database: schema, default grants, extensions, LEAKPROOF marks. Idempotent."""
    from psycopg import sql

    names = {"app": sql.Identifier(app), "owner": sql.Identifier(owner)}
    with connect(superuser_url) as connection:
        for name in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
        for function in LEAKPROOF:
            connection.execute(sql.SQL("ALTER FUNCTION pg_catalog.{} LEAKPROOF").format(sql.SQL(function)))
        for statement in (
            "ALTER SCHEMA public OWNER TO {owner}",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            "GRANT USAGE ON SCHEMA public TO {app}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public "
            "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
            "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
        ):
            connection.execute(sql.SQL(statement).format(**names))


def _alias(connection: "BaseDatabaseWrapper | None") -> "BaseDatabaseWrapper":
    from django.db import connections

    return connection or connections["default"]


def check_app_role(connection: "BaseDatabaseWrapper | None" = None) -> list[str]:
    """Why the role of `connection` (default: the app's) must not run Leadgen; empty when it may.

    A superuser, a role with BYPASSRLS, an owner of any table or a member of such a role would see every workspace.
    """
    with _alias(connection).cursor() as cursor:
        cursor.execute(
            """
            SELECT current_user,
                   bool_or(r.rolsuper), bool_or(r.rolbypassrls),
                   EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
                             AND pg_has_role(current_user, c.relowner, 'USAGE'))
            FROM pg_roles r WHERE r.rolname = current_user OR
                 (pg_has_role(current_user, r.oid, 'MEMBER') AND (r.rolsuper OR r.rolbypassrls))
            """
        )
        name, superuser, bypass, owner = cursor.fetchone()
    remedy = "Point DATABASE_URL at the app role (`manage.py services bootstrap` makes it)."
    found = []
    if superuser:
        found.append(
            f"The database role {name} is a superuser (or may become one): row-level security is off. {remedy}"
        )
    if bypass:
        found.append(f"The database role {name} may bypass row-level security. {remedy}")
    if owner and not superuser:
        found.append(f"The database role {name} owns tables and could lift their row-level security. {remedy}")
    return found


def refuse_unbound_role() -> None:
    """Called where web and workers start: raises ImproperlyConfigured if the app role could see every workspace."""
    from django.core.exceptions import ImproperlyConfigured

    connection = _alias(None)
    try:
        problems = check_app_role(connection)
    finally:
        connection.close()  # before any fork
    if problems:
        raise ImproperlyConfigured(" ".join(problems))


def check_leakproof(connection: "BaseDatabaseWrapper | None" = None) -> list[str]:
    """What keeps searches from their indexes under row-level security; empty when all is marked."""
    with _alias(connection).cursor() as cursor:
        cursor.execute(
            "SELECT f FROM unnest(%s::text[]) f WHERE NOT (SELECT proleakproof FROM pg_proc "
            "WHERE oid = ('pg_catalog.' || f)::regprocedure)",
            [list(LEAKPROOF)],
        )
        unmarked = [name for (name,) in cursor.fetchall()]
    return _leakproof_messages(unmarked)


def _leakproof_messages(unmarked: Iterable[str]) -> list[str]:
    names = ", ".join(unmarked)
    if not names:
        return []
    return [
        f"Not LEAKPROOF in this database: {names}. Searches read whole tables. Run `manage.py services bootstrap` with "
        "DATABASE_SUPERUSER_URL set; repeat it after a restore, for a dump does not carry the marks."
    ]
