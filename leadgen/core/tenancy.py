"""Two locks on every tenant row: a manager that raises without a workspace, and PostgreSQL row-level security.

`workspace_scope` opens the transaction, tells PostgreSQL which workspace (and user) it serves and tells the managers.
The statement is `SET LOCAL leadgen.workspace = '<uuid>'`, not `set_config()`: Citus forwards only the former to its workers.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from django.db import connections, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Columns, Statement, Table

from leadgen.core.visibility import condition_of


class NoWorkspace(RuntimeError):
    """A tenant table was touched outside a workspace scope: a programming error, never shown to users."""


class WrongWorkspace(RuntimeError):
    """A row of one workspace was about to be written inside the scope of another."""


_workspace: ContextVar[uuid.UUID | None] = ContextVar("leadgen_workspace", default=None)
_user: ContextVar[uuid.UUID | None] = ContextVar("leadgen_user", default=None)


def current_workspace_id() -> uuid.UUID:
    """The active workspace's id; raises NoWorkspace outside a scope."""
    workspace_id = _workspace.get()
    if workspace_id is None:
        raise NoWorkspace("no active workspace: wrap the call in workspace_scope(workspace_id)")
    return workspace_id


def active_workspace_id() -> uuid.UUID | None:
    """The active workspace's id, or None."""
    return _workspace.get()


def _tell_database(using: str) -> None:
    """Set both settings for the rest of the transaction; '' (not RESET) means none, and the policies then raise or refuse."""
    workspace, user = _workspace.get(), _user.get()
    # Both values are UUID objects, so their text cannot carry SQL.
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SET LOCAL leadgen.workspace = '{workspace or ''}'; SET LOCAL leadgen.\"user\" = '{user or ''}'",
        )


@contextmanager
def workspace_scope(
    workspace_id: uuid.UUID | str | None, user_id: uuid.UUID | str | None = None, *, using: str = "default"
) -> Iterator[None]:
    """Run the block in one transaction that sees only this workspace.

    Nested scopes work; leaving an inner one restores the outer workspace. `workspace_id=None` with a user is for the
    pages where a user picks a workspace: it sees that user's memberships and their workspaces, nothing else.
    """
    workspace = uuid.UUID(str(workspace_id)) if workspace_id is not None else None
    user = uuid.UUID(str(user_id)) if user_id is not None else None
    connection = connections[using]
    nested = connection.in_atomic_block
    with transaction.atomic(using=using):
        workspace_token, user_token = _workspace.set(workspace), _user.set(user)
        try:
            _tell_database(using)
            yield
        finally:
            _workspace.reset(workspace_token)
            _user.reset(user_token)
        # After an exception the savepoint's rollback restores the outer settings by itself; the end of the outermost
        # transaction drops them.
        if nested and not connection.needs_rollback:
            _tell_database(using)


@contextmanager
def user_scope(user_id: uuid.UUID | str) -> Iterator[None]:
    """See one user's memberships and workspaces before a workspace is chosen."""
    with workspace_scope(None, user_id):
        yield


@contextmanager
def nowhere() -> Iterator[None]:
    """Let tenant querysets be built, for a workspace that has no rows: the OpenAPI document and filter classes need it.

    The database is told nothing, so that running such a queryset raises there.
    """
    token = _workspace.set(uuid.UUID(int=0))
    try:
        yield
    finally:
        _workspace.reset(token)


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of the active workspace."""


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):  # type: ignore[misc]  # mypy cannot see a base made by a call
    """Raises outside a scope and filters by workspace inside one: the first lock. Then by what the viewer may see."""

    use_in_migrations = False

    def get_queryset(self) -> TenantQuerySet:
        rows = super().get_queryset().filter(workspace_id=current_workspace_id())
        seen = condition_of(self.model)
        return cast(TenantQuerySet, rows if seen is None else rows.filter(seen))


class PlainManager(models.Manager[Any]):
    """Django's own look-ups (refresh_from_db, foreign key access): row-level security still holds there."""


class CompositeForeignKeyConstraint(models.BaseConstraint):
    """FOREIGN KEY (workspace_id, column) REFERENCES target (workspace_id, id): a row cannot point into another workspace.

    PostgreSQL checks foreign keys past row-level security, so a plain key would let tenant 1 reference tenant 2's row.
    """

    def __init__(self, *, name: str, column: str, to: str, on_delete: str = "no_action") -> None:
        super().__init__(name=name)
        self.column, self.to, self.on_delete = column, to, on_delete

    def _statement(self, model: Any, schema_editor: BaseDatabaseSchemaEditor) -> Statement:
        target = model._meta.apps.get_model(self.to)
        quote = schema_editor.quote_name
        action = {
            "no_action": "",
            "cascade": " ON DELETE CASCADE",
            # Only the pointing column is emptied: workspace_id stays (PostgreSQL 15+).
            "set_null": f" ON DELETE SET NULL ({quote(self.column)})",
        }[self.on_delete]
        table = model._meta.db_table
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s)"
            " REFERENCES %(target)s (%(target_columns)s)" + action + " DEFERRABLE INITIALLY DEFERRED",
            table=Table(table, quote),
            name=quote(self.name),
            columns=Columns(table, ["workspace_id", self.column], quote),
            target=Table(target._meta.db_table, quote),
            target_columns=Columns(target._meta.db_table, ["workspace_id", "id"], quote),
        )

    def constraint_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        return self.create_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        # At the end of the migration: inside CreateModel the target may not exist yet (and SQL returned here would go
        # into the CREATE TABLE), and the target's UNIQUE (workspace_id, id) may be a later operation.
        assert schema_editor is not None
        schema_editor.deferred_sql.append(self._statement(model, schema_editor))

    def remove_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        assert schema_editor is not None
        quote = schema_editor.quote_name
        return f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT {quote(self.name)}"

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = "default") -> None:
        """The field's own validation looks the target up inside the workspace; the database decides in the end."""

    def deconstruct(self) -> Any:
        path, _, _ = super().deconstruct()
        return path, (), {"name": self.name, "column": self.column, "to": self.to, "on_delete": self.on_delete}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CompositeForeignKeyConstraint):
            return NotImplemented
        return self.deconstruct() == other.deconstruct()

    __hash__ = object.__hash__


def _add_constraint(model: type[models.Model], constraint: models.BaseConstraint) -> None:
    """Declare a constraint from inside a field, where every concrete model gets it without repeating itself.

    Historical models (module `__fake__`) take theirs from the migration state alone.
    """
    meta = cast(Any, model)._meta
    if meta.abstract or model.__module__ == "__fake__":
        return
    if any(existing.name == constraint.name for existing in meta.constraints):
        return
    meta.constraints = [*meta.constraints, constraint]
    meta.original_attrs["constraints"] = meta.constraints


class WorkspaceField(models.ForeignKey):
    """The sharding key of a tenant table, with the UNIQUE (workspace_id, id) that composite foreign keys refer to."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("to", "accounts.Workspace")
        kwargs.setdefault("on_delete", models.DO_NOTHING)
        kwargs.setdefault("related_name", "+")
        kwargs.setdefault("db_index", False)  # every index leads with it already
        kwargs.setdefault("editable", False)
        super().__init__(**kwargs)

    def contribute_to_class(self, cls: Any, name: str, *args: Any, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, *args, **kwargs)
        if not cls._meta.abstract:
            _add_constraint(
                cls, models.UniqueConstraint(fields=[name, "id"], name=f"{cls._meta.db_table or cls.__name__}_ws_id")
            )


class TenantForeignKey(models.ForeignKey):
    """A foreign key to a row of the same workspace, enforced by PostgreSQL as a composite key.

    `on_delete` is DO_NOTHING (refused by the database), DB_CASCADE or DB_SET_NULL: PostgreSQL carries it out, also on
    append-only tables where the app itself may not delete.
    """

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("related_name", "+")
        kwargs.setdefault("db_index", False)  # an index led by the workspace is declared where a query needs it
        super().__init__(to, on_delete, **kwargs)

    def contribute_to_class(self, cls: Any, name: str, *args: Any, **kwargs: Any) -> None:
        super().contribute_to_class(cls, name, *args, **kwargs)
        if cls._meta.abstract:
            return
        to = self.remote_field.model
        label = to if isinstance(to, str) else to._meta.label
        if "." not in label:
            label = f"{cls._meta.app_label}.{cls.__name__ if label == 'self' else label}"
        action = {"DB_CASCADE": "cascade", "DB_SET_NULL": "set_null"}
        on_delete = getattr(self.remote_field.on_delete, "__name__", "")
        table = cls._meta.db_table
        _add_constraint(
            cls,
            CompositeForeignKeyConstraint(
                name=f"{table}_{name}_fk"[:63],
                column=f"{name}_id",
                to=label,
                on_delete=action.get(on_delete, "no_action"),
            ),
        )


class UUIDv7(models.Func):
    """PostgreSQL 18's time-ordered key: rows written together lie together."""

    function = "uuidv7"
    output_field = models.UUIDField()


class TenantModel(models.Model):
    """Base of every table that belongs to a workspace."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    workspace = WorkspaceField()

    objects = TenantManager()
    unscoped = PlainManager()

    class Meta:
        abstract = True
        base_manager_name = "unscoped"
        default_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        stamp(self)
        super().save(*args, **kwargs)


class AppendOnlyModel(TenantModel):
    """A ledger: rows are written once. The app role has no UPDATE or DELETE right on its table either.

    `movable`: foreign keys that a merge may point at the row that stayed. What a fact says never changes, whom it is of may
    turn out to be one and the same; the database does it in `leadgen_repoint`, and for these columns only.
    """

    movable: tuple[str, ...] = ()

    class Meta(TenantModel.Meta):
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is append-only: write a new fact instead")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{type(self).__name__} is append-only: write a new fact instead")


def stamp[M: TenantModel](row: M) -> M:
    """Give a new row the active workspace, or verify that it already belongs to it. For bulk_create, which skips save()."""
    workspace_id = current_workspace_id()
    if row.workspace_id is None:
        row.workspace_id = workspace_id
    elif row.workspace_id != workspace_id:
        raise WrongWorkspace(f"{type(row).__name__} of workspace {row.workspace_id} in the scope of {workspace_id}")
    return row


def bulk_insert[M: TenantModel](model: type[M], rows: list[M], **kwargs: Any) -> list[M]:
    """bulk_create inside the scope, stamped."""
    for row in rows:
        stamp(row)
    return cast(list[M], model.objects.bulk_create(rows, **kwargs))


def tenant_models() -> list[type[TenantModel]]:
    """Every concrete tenant model, in a stable order."""
    from django.apps import apps

    return sorted((m for m in apps.get_models() if issubclass(m, TenantModel)), key=lambda m: m._meta.db_table)
