"""Row-level security and grants: the second lock, laid over every table after each migration.

Idempotent and derived from the registry, so a new table cannot forget it: until this ran, the app role has no right on a
new table at all. Policies raise without a workspace; see ground.md section 1 for why `nullif(..., true)` is not used there.
"""

from typing import Any

from leadgen.core import registry
from leadgen.core.erasing import emptied, redacted

WORKSPACE = "current_setting('leadgen.workspace')::uuid"
# Member and Workspace are also read before a workspace is chosen, so their settings may be absent or empty.
WORKSPACE_OR_NULL = "nullif(current_setting('leadgen.workspace', true), '')::uuid"
USER_OR_NULL = "nullif(current_setting('leadgen.user', true), '')::uuid"
WORKSPACE_BY_SLUG = "leadgen_workspace_by_slug"
REPOINT = "leadgen_repoint"
ERASE = "leadgen_erase"
FORGET = "leadgen_forget"


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
        _sync_erase(cursor, role)
        _sync_forget(cursor, role)


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


def _sync_erase(cursor: Any, role: str) -> None:
    """How a ledger forgets whom it tells of: these columns of these rows emptied, or (with a pattern) without what matches.

    Runs as the owner, so it names the workspace itself. It can take words out and put no other ones in.
    """
    fields = registry.erasable_fields()
    if not fields:
        return
    known = ", ".join(
        f"('{f.model._meta.db_table}', '{f.column}', $e${emptied(f)}$e$, $e${redacted(f, '$3')}$e$)" for f in fields
    )
    cursor.execute(
        f"""
        CREATE OR REPLACE FUNCTION {ERASE}(tab text, col text, ids uuid[], pattern text) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
        DECLARE whole text; part text; done bigint;
        BEGIN
            SELECT k.whole, k.part INTO whole, part FROM (VALUES {known}) AS k(tab, col, whole, part)
            WHERE k.tab = {ERASE}.tab AND k.col = {ERASE}.col;
            IF NOT FOUND THEN
                RAISE EXCEPTION '%.% does not forget', tab, col USING ERRCODE = 'insufficient_privilege';
            END IF;
            BEGIN
                EXECUTE format('UPDATE %I SET %I = %s WHERE workspace_id = $1 AND id = ANY($2)',
                    tab, col, CASE WHEN pattern IS NULL THEN whole ELSE part END) USING {WORKSPACE}, ids, pattern;
            EXCEPTION WHEN invalid_text_representation THEN
                -- What matched was more than words inside the JSON: then all of it goes.
                EXECUTE format('UPDATE %I SET %I = %s WHERE workspace_id = $1 AND id = ANY($2)', tab, col, whole)
                USING {WORKSPACE}, ids;
            END;
            GET DIAGNOSTICS done = ROW_COUNT;
            RETURN done;
        END $body$
        """  # noqa: S608  names of our own tables
    )
    cursor.execute(f"REVOKE ALL ON FUNCTION {ERASE}(text, text, uuid[], text) FROM PUBLIC")
    cursor.execute(f"GRANT EXECUTE ON FUNCTION {ERASE}(text, text, uuid[], text) TO {role}")


def _sync_forget(cursor: Any, role: str) -> None:
    """How rows of a ledger go by age: those before a date that lies a year back at least, at most so many at once."""
    allowed = ", ".join(f"('{table}', '{column}')" for table, column in registry.forgettable_columns())
    if not allowed:
        return
    cursor.execute(
        f"""
        CREATE OR REPLACE FUNCTION {FORGET}(tab text, col text, before timestamptz, most integer) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
        DECLARE gone bigint;
        BEGIN
            IF (tab, col) NOT IN ({allowed}) THEN
                RAISE EXCEPTION 'rows of % do not go by age', tab USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF before > now() - interval '1 year' THEN
                RAISE EXCEPTION 'rows of the last year stay' USING ERRCODE = 'insufficient_privilege';
            END IF;
            EXECUTE format('DELETE FROM %I WHERE workspace_id = $1 AND id IN
                (SELECT id FROM %I WHERE workspace_id = $1 AND %I < $2 ORDER BY %I LIMIT $3)', tab, tab, col, col)
            USING {WORKSPACE}, before, most;
            GET DIAGNOSTICS gone = ROW_COUNT;
            RETURN gone;
        END $body$
        """  # noqa: S608  names of our own tables
    )
    cursor.execute(f"REVOKE ALL ON FUNCTION {FORGET}(text, text, timestamptz, integer) FROM PUBLIC")
    cursor.execute(f"GRANT EXECUTE ON FUNCTION {FORGET}(text, text, timestamptz, integer) TO {role}")
