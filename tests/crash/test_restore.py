"""A real restore: the cluster's timeline rises, and every process that looks holds all sending."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadgen.core.services.state import BASE_DIR, State
from tests.crash.environment import environment
from tests.crash.servers import OwnServers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("crash")]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[OwnServers, dict[str, str]]]:
    """A cluster of its own with the product's tables, and the environment that names it."""
    with tempfile.TemporaryDirectory(prefix="leadgen-crash-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        env = environment(folder)
        servers = OwnServers(folder)
        try:
            if not (servers.state.cluster / "PG_VERSION").exists():
                # Nothing is kept yet: the command makes it and keeps it.
                _make_template(env)
                env = environment(folder)
            monkeypatch.setenv("LEADGEN_CRASH_TEMPLATE", env["LEADGEN_CRASH_TEMPLATE"])
            servers.start()
            yield servers, env
        finally:
            servers.stop()


def _make_template(env: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="leadgen-crash-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        code = f"from pathlib import Path; from tests.crash.servers import OwnServers; s = OwnServers(Path({name!r})); "
        code += "import django; django.setup(); s.start(); s.stop()"
        own = environment(folder)
        subprocess.run([sys.executable, "-c", code], env=env | own, cwd=BASE_DIR, check=True, timeout=200)
        assert State.locate(folder).root


def guard(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), "restore_guard", *arguments],
        env=os.environ | env, cwd=BASE_DIR, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def status(env: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(guard(env, "status", "--json"))
    return found


def test_a_crash_is_no_restore_and_a_restore_holds(cluster: tuple[OwnServers, dict[str, str]]) -> None:
    servers, env = cluster
    before = status(env)
    assert (before["held"], before["timeline"]) == (False, 1)
    servers.crash_postgres()
    assert status(env)["held"] is False, "crash recovery stays in its history"
    servers.restore_postgres()
    after = status(env)
    assert (after["held"], after["differs"], after["timeline"]) == (True, True, 2)
    assert after["system_identifier"] == before["system_identifier"]
    assert "Sending goes on." in guard(env, "release", "--by", "Olga")
    released = status(env)
    assert (released["held"], released["differs"], released["known_timeline"]) == (False, False, 2)
