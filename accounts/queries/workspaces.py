"""Finding a workspace where nobody is signed in: management commands name it by its slug."""

from django.db import connections

from accounts.models import Workspace
from leadgen.core.errors import NotFound
from leadgen.core.policies import WORKSPACE_BY_SLUG
from leadgen.core.tenancy import workspace_scope


def workspace_named(slug: str, *, using: str = "default") -> Workspace:
    """The workspace with this slug; enter it with `workspace_scope(workspace.pk)`. For commands only: a request finds its
    workspace through the member's own rights.

    Raises NotFound. (Row-level security hides Workspace rows; a function of the owner tells the id of a slug.)
    """
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {WORKSPACE_BY_SLUG}(%s)", [slug])
        (workspace_id,) = cursor.fetchone()
    if workspace_id is None:
        raise NotFound(f"There is no workspace “{slug}”. Make it with: manage.py create_workspace {slug} --owner EMAIL")
    with workspace_scope(workspace_id, using=using):
        return Workspace.objects.using(using).get(pk=workspace_id)
