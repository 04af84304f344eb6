"""Row-level security and grants: the second lock, laid over every table after each migration.

Idempotent and derived from the registry, so a new table cannot forget it: until this ran, the app role has no right on a
new table at all. Policies raise without a workspace; see ground.md section 1 for why `nullif(..., true)` is not used there.
"""

from typing import Any

from leadgen.core import registry

WORKSPACE = "current_setting('leadgen.workspace')::uuid"
# Member and Workspace are also read before a workspace is chosen, so their settings may be absent or empty.
WORKSPACE_OR_NULL = "nullif(current_setting('leadgen.workspace', true), '')::uuid"
USER_OR_NULL = "nullif(current_setting('leadgen.user', true), '')::uuid"
WORKSPACE_BY_SLUG = "leadgen_workspace_by_slug"
REPOINT = "leadgen_repoint"


def _policies(table: str) -> dict[str, str]:
    """Policy name -> clause (command, USING, WITH CHECK) of one table."""
    if table == registry.MEMBER_TABLE:
        own = f"workspace_id = {WORKSPACE_OR_NULL}"
        return {
            "workspace_read": f"FOR SELECT USING ({own} OR user_id = {USER_OR_NULL})",
            "workspace_insert": f"FOR INSERT WITH CHECK ({own})",
            "workspace_update": f"FOR UPDATE USING ({own}) WITH CHECK ({own})",
            "workspace_delete": f"FOR DELETE USING ({own})",
        }
    if table == registry.WORKSPACE_TABLE:
        own = f"id = {WORKSPACE_OR_NULL}"
        # The sub-select runs under Member's own policy: a user finds the workspaces of their memberships only.
        memberships = f"SELECT workspace_id FROM {registry.MEMBER_TABLE}"  # noqa: S608  constants of this package
        mine = f"id IN ({memberships} WHERE user_id = {USER_OR_NULL} AND is_active)"
        return {
            "workspace_read": f"FOR SELECT USING ({own} OR {mine})",
            "workspace_insert": f"FOR INSERT WITH CHECK ({own})",
            "workspace_update": f"FOR UPDATE USING ({own}) WITH CHECK ({own})",
        }
    clause = f"workspace_id = {WORKSPACE}"
    return {"workspace_all": f"FOR ALL USING ({clause}) WITH CHECK ({clause})"}


def sync_policies(connection: Any, *, app_role: str) -> None:
    """Lay policies, FORCE and grants over every table. `connection` is the owner's; run inside its own transaction."""
    quote = connection.ops.quote_name
    role = quote(app_role)
    append_only = registry.append_only_tables()
    existing = set(connection.introspection.table_names())
    tenant = [*registry.tenant_tables(), registry.MEMBER_TABLE, registry.WORKSPACE_TABLE]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        for table in tenant:
            if table not in existing:
                continue
            name = quote(table)
            cursor.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
            cursor.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
            cursor.execute("SELECT policyname FROM pg_policies WHERE schemaname = 'public' AND tablename = %s", [table])
            for (policy,) in cursor.fetchall():
                cursor.execute(f"DROP POLICY {quote(policy)} ON {name}")
            for policy, clause in _policies(table).items():
                # "TO role" stands between the command and its conditions.
                command, conditions = clause.split(" ", 2)[:2], clause.split(" ", 2)[2]
                cursor.execute(f"CREATE POLICY {quote(policy)} ON {name} {' '.join(command)} TO {role} {conditions}")
            # FORCE binds the owner too; without this a data migration would succeed on 0 rows.
            cursor.execute(
                f"CREATE POLICY owner_all ON {name} FOR ALL TO {quote(owner)} USING (true) WITH CHECK (true)"
            )
            cursor.execute(f"REVOKE ALL ON {name} FROM {role}")
            rights = "SELECT, INSERT" if table in append_only else "SELECT, INSERT, UPDATE, DELETE"
            if table == registry.WORKSPACE_TABLE:
                rights = "SELECT, INSERT, UPDATE"
            cursor.execute(f"GRANT {rights} ON {name} TO {role}")
        for table in existing & registry.GLOBAL_TABLES:
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quote(table)} TO {role}")
        for table in existing & registry.LOCAL_TABLES:
            cursor.execute(f"GRANT SELECT ON {quote(table)} TO {role}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        if registry.WORKSPACE_TABLE in existing:
            # Commands name a workspace by its slug before any is entered; this tells them the id and nothing else.
            body = f"SELECT id FROM {registry.WORKSPACE_TABLE} WHERE slug = wanted"  # noqa: S608  a constant of ours
            cursor.execute(
                f"CREATE OR REPLACE FUNCTION {WORKSPACE_BY_SLUG}(wanted text) RETURNS uuid LANGUAGE sql STABLE "
                f"SECURITY DEFINER SET search_path = public, pg_temp AS '{body}'"
            )
            cursor.execute(f"REVOKE ALL ON FUNCTION {WORKSPACE_BY_SLUG}(text) FROM PUBLIC")
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {WORKSPACE_BY_SLUG}(text) TO {role}")
        _sync_repoint(cursor, role)


def _sync_repoint(cursor: Any, role: str) -> None:
    """The one way a ledger's rows change: of which person or company they are, where two turned out to be one.

    Runs as the owner, so it names the workspace itself; which columns it may touch is fixed in its text.
    """
    allowed = ", ".join(f"('{table}', '{column}')" for table, column in registry.movable_columns())
    if not allowed:
        return
    cursor.execute(
        f"""
        CREATE OR REPLACE FUNCTION {REPOINT}(tab text, col text, old uuid, new uuid, ids uuid[]) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
        DECLARE moved bigint;
        BEGIN
            IF (tab, col) NOT IN ({allowed}) THEN
                RAISE EXCEPTION 'rows of %.% cannot be moved', tab, col USING ERRCODE = 'insufficient_privilege';
            END IF;
            EXECUTE format(
                'UPDATE %I SET %I = $1 WHERE workspace_id = $2 AND %I = $3 AND id = ANY($4)', tab, col, col)
            USING new, {WORKSPACE}, old, ids;
            GET DIAGNOSTICS moved = ROW_COUNT;
            RETURN moved;
        END $body$
        """  # noqa: S608  names of our own tables
    )
    cursor.execute(f"REVOKE ALL ON FUNCTION {REPOINT}(text, text, uuid, uuid, uuid[]) FROM PUBLIC")
    cursor.execute(f"GRANT EXECUTE ON FUNCTION {REPOINT}(text, text, uuid, uuid, uuid[]) TO {role}")
