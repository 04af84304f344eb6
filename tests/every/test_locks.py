"""Both locks are on every table, and dropping any one of them is noticed."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import Workspace
from leadgen.core import database
from leadgen.core.tenancy import NoWorkspace, PlainManager, TenantManager, WrongWorkspace, workspace_scope
from prospects.models import Activity, Company, Person
from tests.database import TestServices
from tests.every.isolation import faults
from tests.factories.accounts import Someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue(services: TestServices) -> Iterator[Any]:
    """A superuser's connection in a transaction that is rolled back: mutants do not outlive their test."""
    connection = database.connect(services.superuser)
    connection.autocommit = False
    connection.execute("SET lock_timeout = '10s'")
    yield connection
    connection.rollback()
    connection.close()


def test_every_table_has_both_locks(catalogue: Any) -> None:
    assert faults(catalogue) == []


MUTANTS = {
    "a dropped policy": ("DROP POLICY workspace_all ON prospects_person", "prospects_person: no policy"),
    "a policy that checks nothing": (
        "DROP POLICY workspace_all ON prospects_person; CREATE POLICY workspace_all ON prospects_person TO leadgen_app USING (true)",
        "prospects_person: policy workspace_all does not name the workspace",
    ),
    "row security not forced": (
        "ALTER TABLE prospects_lead NO FORCE ROW LEVEL SECURITY",
        "prospects_lead: row security is not forced",
    ),
    "row security off": (
        "ALTER TABLE campaigns_message DISABLE ROW LEVEL SECURITY",
        "campaigns_message: row security is off",
    ),
    "a plain foreign key": (
        "ALTER TABLE prospects_lead ADD CONSTRAINT plain FOREIGN KEY (person_id) REFERENCES prospects_person (id)",
        "prospects_lead: foreign key plain to prospects_person does not carry the workspace",
    ),
    "a dropped foreign key": (
        "ALTER TABLE prospects_lead DROP CONSTRAINT prospects_lead_person_fk",
        "prospects_lead: person_id has no foreign key",
    ),
    "a plain view": (
        "CREATE VIEW everybody AS SELECT * FROM prospects_person",
        "everybody: a view that runs as its owner",
    ),
    "an unregistered table": ("CREATE TABLE stray (id int)", "stray: in no registry"),
    "a ledger that may be rewritten": (
        "GRANT UPDATE ON prospects_activity TO leadgen_app",
        "prospects_activity: append-only, but the app role may UPDATE",
    ),
    "a unique key across workspaces": (
        "CREATE UNIQUE INDEX leak ON prospects_person (email)",
        "prospects_person: index leak leads with email",
    ),
    "a bypassing role": ("ALTER ROLE leadgen_app BYPASSRLS", "leadgen_app bypasses row security"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_of_the_database_is_caught(catalogue: Any, name: str) -> None:
    statement, expected = MUTANTS[name]
    catalogue.execute(statement)
    assert [fault for fault in faults(catalogue) if fault.startswith(expected)]


def test_a_manager_without_its_filter_is_caught(catalogue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TenantManager, "get_queryset", lambda self: PlainManager.get_queryset(self))
    assert "prospects.Person: its manager answers without a workspace" in faults(catalogue)


def test_a_query_outside_a_scope_raises_before_it_reaches_the_database() -> None:
    for call in (Person.objects.exists, Person.objects.count, lambda: list(Person.objects.filter(email="x"))):
        with pytest.raises(NoWorkspace):
            call()


def test_the_database_itself_raises_without_a_workspace(acme: Workspace) -> None:
    """The second lock alone: a plain manager outside a scope gets an error, not silently nothing."""
    with pytest.raises(DatabaseError), transaction.atomic():
        Person.unscoped.count()


def test_the_database_hides_and_refuses_foreign_rows_when_the_manager_is_gone(
    acme: Workspace, globex: Workspace, now: Any
) -> None:
    with workspace_scope(globex.pk):
        theirs = Company.objects.create(name="Theirs", created_at=now, updated_at=now)
    with workspace_scope(acme.pk):
        assert list(Company.unscoped.all()) == []
        assert Company.unscoped.filter(pk=theirs.pk).update(name="Mine") == 0
        with pytest.raises(DatabaseError), transaction.atomic():
            Company.unscoped.bulk_create(
                [Company(workspace_id=globex.pk, name="Smuggled", created_at=now, updated_at=now)]
            )
    with workspace_scope(globex.pk):
        assert [company.name for company in Company.objects.all()] == ["Theirs"]


def test_a_row_cannot_point_into_another_workspace(acme: Workspace, globex: Workspace, now: Any) -> None:
    with workspace_scope(globex.pk):
        theirs = Company.objects.create(name="Theirs", created_at=now, updated_at=now)
    with workspace_scope(acme.pk):
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="prospects_person_company_fk"), transaction.atomic():
            Person.objects.create(full_name="Ana", company_id=theirs.pk, created_at=now, updated_at=now)


def test_a_row_of_one_workspace_is_not_saved_in_another(acme: Workspace, globex: Workspace, now: Any) -> None:
    with workspace_scope(globex.pk):
        theirs = Company.objects.create(name="Theirs", created_at=now, updated_at=now)
    with workspace_scope(acme.pk), pytest.raises(WrongWorkspace):
        theirs.save()


def test_the_ledger_can_only_grow(in_acme: Workspace, now: Any) -> None:
    fact = Activity.objects.create(kind="note", at=now, recorded_at=now, summary="Met at the fair")
    with pytest.raises(TypeError):
        fact.delete()
    for statement in ("UPDATE prospects_activity SET summary = ''", "DELETE FROM prospects_activity"):
        cursor = transaction.get_connection().cursor()
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic(), cursor:
            cursor.execute(statement)
    assert Activity.objects.get().summary == "Met at the fair"


def test_leaving_an_inner_scope_restores_the_outer_one(acme: Workspace, globex: Workspace, now: Any) -> None:
    with workspace_scope(acme.pk):
        Company.objects.create(name="Ours", created_at=now, updated_at=now)
        with workspace_scope(globex.pk):
            assert Company.objects.count() == Company.unscoped.count() == 0
        assert Company.objects.count() == Company.unscoped.count() == 1
        with pytest.raises(ZeroDivisionError), workspace_scope(globex.pk):
            raise ZeroDivisionError
        assert Company.unscoped.count() == 1


def test_a_user_sees_the_workspaces_of_their_memberships_only(alice: Someone, charlie: Someone) -> None:
    with workspace_scope(None, alice.user.pk):
        assert [w.slug for w in Workspace.objects.all()] == ["acme"]
    with workspace_scope(None, charlie.user.pk):
        assert [w.slug for w in Workspace.objects.all()] == ["globex"]
    with workspace_scope(None, None):
        assert list(Workspace.objects.all()) == []
