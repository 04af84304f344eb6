"""Both locks: the managers raise and filter, and PostgreSQL does so again by itself."""

import uuid

import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from accounts.models import ApiToken, AuditEntry, Member, Workspace
from leadgen.core.tenancy import (
    NoWorkspace,
    WrongWorkspace,
    bulk_insert,
    nowhere,
    user_scope,
    workspace_scope,
)
from tests.conftest import NOW
from tests.factories.accounts import make_member


def names(queryset):
    return sorted(member.name for member in queryset)


def test_without_a_workspace_the_manager_raises_before_any_query(alice, django_assert_num_queries):
    with django_assert_num_queries(0):
        for call in (Member.objects.all, Member.objects.count, Member.objects.exists, lambda: Member.objects.create()):
            with pytest.raises(NoWorkspace):
                call()


def test_without_a_workspace_the_database_refuses_or_shows_nothing(alice):
    with pytest.raises((ProgrammingError, DataError)), transaction.atomic():
        list(AuditEntry.unscoped.all())
    assert list(Member.unscoped.all()) == []
    assert list(Workspace.objects.all()) == []


def test_a_scope_sees_its_own_rows_only_also_past_the_manager(alice, bob, charlie, acme, globex):
    with workspace_scope(acme.pk):
        assert names(Member.objects.all()) == ["Alice", "Bob"]
        assert names(Member.unscoped.all()) == ["Alice", "Bob"]
        assert not Member.unscoped.filter(pk=charlie.member.pk).update(name="Mallory")
        assert not Member.unscoped.filter(pk=charlie.member.pk).delete()[0]
    with workspace_scope(globex.pk):
        assert names(Member.objects.all()) == ["Charlie"]


def test_inner_scopes_restore_the_outer_one_also_after_an_error(alice, charlie, acme, globex):
    with workspace_scope(acme.pk):
        with workspace_scope(globex.pk):
            assert names(Member.objects.all()) == ["Charlie"]
        assert names(Member.objects.all()) == ["Alice"]
        with pytest.raises(ZeroDivisionError), workspace_scope(globex.pk):
            raise ZeroDivisionError
        assert names(Member.unscoped.all()) == ["Alice"]
    with pytest.raises(NoWorkspace):
        Member.objects.all()


def test_a_row_of_another_workspace_cannot_be_saved(acme, charlie):
    with workspace_scope(acme.pk):
        with pytest.raises(WrongWorkspace):
            charlie.member.save()
        with pytest.raises(WrongWorkspace):
            bulk_insert(Member, [Member(workspace_id=charlie.workspace.pk, name="x", role="sdr")])


def test_the_database_refuses_a_row_for_another_workspace(in_acme, globex):
    insert = (
        "INSERT INTO accounts_member (workspace_id, email, name, role, team, capacity, is_active, created_at)"
        " VALUES (%s, '', 'x', 'sdr', '', 1, true, now())"
    )
    with pytest.raises(ProgrammingError, match="row-level security"):
        _run(insert, globex.pk)


def test_a_row_cannot_point_into_another_workspace(in_acme, charlie):
    """PostgreSQL checks foreign keys past row-level security: only the composite key stops this."""
    with transaction.atomic():
        token = ApiToken.objects.create(
            name="x", member_id=charlie.member.pk, prefix="x", secret_hash="x", scopes=["*"], created_at=NOW
        )
        with pytest.raises(IntegrityError, match="accounts_apitoken_member_fk"):
            _run("SET CONSTRAINTS ALL IMMEDIATE")
        token.delete()


def _run(sql, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def test_the_ledger_can_be_written_but_neither_changed_nor_deleted(in_acme, by_alice):
    from accounts.actions.audit import write_audit

    entry = write_audit(by=by_alice, action="x.y", now=NOW)
    with pytest.raises(TypeError, match="append-only"):
        entry.save()
    with pytest.raises(TypeError, match="append-only"):
        entry.delete()
    for change in (lambda: AuditEntry.objects.update(action="z"), lambda: AuditEntry.objects.all().delete()):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            change()
    assert AuditEntry.objects.get().action == "x.y"


def test_a_user_sees_ones_own_memberships_and_their_workspaces_before_choosing(alice, bob, charlie, acme, globex):
    make_member(globex, "viewer", user=alice.user)
    with user_scope(alice.user.pk):
        assert sorted(Workspace.objects.values_list("slug", flat=True)) == ["acme", "globex"]
        assert {member.user_id for member in Member.unscoped.all()} == {alice.user.pk}
        with pytest.raises((ProgrammingError, DataError)), transaction.atomic():
            list(AuditEntry.unscoped.all())
    with user_scope(bob.user.pk):
        assert [workspace.slug for workspace in Workspace.objects.all()] == ["acme"]
    with workspace_scope(globex.pk):
        Member.objects.filter(user=alice.user).update(is_active=False)
    with user_scope(alice.user.pk):
        assert [workspace.slug for workspace in Workspace.objects.all()] == ["acme"]


def test_a_workspace_of_nobody_is_empty_and_bad_ids_are_refused(alice):
    with workspace_scope(uuid.uuid4()):
        assert not Member.objects.exists()
    with pytest.raises(ValueError, match="badly formed"), workspace_scope("'; DROP TABLE accounts_member; --"):
        pass


def test_querysets_built_nowhere_find_nothing(alice):
    with nowhere():
        built = Member.objects.all()
    assert not built.exists()
    with pytest.raises(NoWorkspace):
        Member.objects.all()
