"""Door bells: who rings and who answers agree."""

import inspect
import re
from pathlib import Path

from celery import current_app

from leadgen.core.tasks import WorkspaceTask


def test_every_task_that_is_rung_by_name_takes_its_workspace() -> None:
    """`enqueue` sends the workspace's id first: a task without room for it fails at each ring, and only beat does its work."""
    root = Path(__file__).parents[2]
    rung = {
        name
        for app in ("accounts", "campaigns", "prospects")
        for file in (root / app).rglob("*.py")
        for name in re.findall(r'enqueue\(\s*"([\w.]+)"', file.read_text())
    }
    assert "prospects.run_bulk" in rung
    current_app.loader.import_default_modules()
    deaf = [
        name
        for name in sorted(rung)
        if not isinstance(current_app.tasks[name], WorkspaceTask)
        and not inspect.signature(current_app.tasks[name].run).parameters
    ]
    assert deaf == []
