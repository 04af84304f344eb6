"""Commands find a workspace by its slug, without seeing anything else of it."""

import pytest
from django.db import connection

from accounts.models import Workspace
from accounts.queries.workspaces import workspace_named
from leadgen.core.errors import NotFound
from leadgen.core.tenancy import nowhere


@pytest.mark.django_db
def test_a_slug_names_its_workspace_and_an_unknown_one_is_refused(acme: Workspace, globex: Workspace) -> None:
    assert workspace_named("globex").pk == globex.pk
    assert workspace_named("acme").name == acme.name
    with pytest.raises(NotFound, match="There is no workspace “nobody”"):
        workspace_named("nobody")


@pytest.mark.django_db
def test_the_row_itself_stays_hidden_outside_its_scope(acme: Workspace) -> None:
    with nowhere():
        assert not Workspace.objects.filter(slug="acme").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('public', 'leadgen_workspace_by_slug(text)', 'execute')")
        assert cursor.fetchone() == (False,)
