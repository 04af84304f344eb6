"""Celery under a workspace. A task is a door bell: it names work by ids and re-reads it; losing one loses nothing.

Tasks are enqueued by name after the commit, so that actions need not import them.
"""

import uuid
from typing import Any

from celery import Task, current_app, shared_task
from django.db import transaction

from leadgen.core.tenancy import current_workspace_id, workspace_scope
from leadgen.core.visibility import viewing_as


class WorkspaceTask(Task):
    """The first argument is the workspace's id; the body runs inside its scope and transaction."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        workspace_id, *rest = args
        with viewing_as(None), workspace_scope(workspace_id):
            return super().__call__(*rest, **kwargs)


def enqueue(name: str, *args: Any, queue: str = "default") -> None:
    """Ring for work in the active workspace once the transaction has committed. Arguments must be JSON-safe ids."""
    workspace_id = str(current_workspace_id())
    ring(name, workspace_id, *args, queue=queue)


def ring(name: str, *args: Any, queue: str = "default") -> None:
    """Enqueue a task by name on commit, without a workspace."""
    safe = [str(arg) if isinstance(arg, uuid.UUID) else arg for arg in args]
    transaction.on_commit(lambda: _send(name, safe, queue))


def _send(name: str, args: list[Any], queue: str) -> None:
    from kombu.exceptions import OperationalError

    from leadgen.core.logging import log

    try:
        current_app.send_task(name, args=args, queue=queue, retry=False)
    except OperationalError as error:
        # The rows are committed and a sweep finds them within a minute: a silent broker delays work, it loses none.
        log.warning("broker_unreachable", task=name, error=str(error))


@shared_task(name="core.heartbeat")
def heartbeat() -> None:
    """Beat rings, a worker answers: both are alive."""
    from leadgen.core.health import beat

    beat("worker")
