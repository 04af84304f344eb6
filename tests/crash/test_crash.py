"""Twelve kills: real processes die at crash points, and the books must still be right.

Larger runs are in docs/operations.md, "Proof: crash tests": manage.py crashtest --kills 60 --seed S --json.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from leadgen.core.services.state import BASE_DIR
from tests.crash.environment import LEFT_OUT, points_in_code
from tests.crash.oracle import Journal
from tests.crash.proxy import Proxy, Toxic
from tests.dovecot import DOVECOT, MISSING

SECONDS = 600  # on two busy cores; alone it takes a tenth of it


def test_every_crash_point_of_the_list_is_in_the_code() -> None:
    assert points_in_code() == {f"C{number}" for number in range(1, 17)}


def crashtest(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run the command as a person would; everything it started is gone afterwards."""
    # Of its own: not the services of this test run.
    left_out = {*LEFT_OUT, "DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    program = subprocess.Popen(
        [sys.executable, str(BASE_DIR / "manage.py"), "crashtest", "--json", *arguments],
        cwd=BASE_DIR, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        out, said = program.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGTERM)
        out, said = program.communicate(timeout=60)
    return program.returncode, json.loads(out) if out.strip() else {}, said


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 90)
@pytest.mark.xdist_group("crash")
@pytest.mark.skipif(DOVECOT is None, reason=MISSING)
def test_twelve_kills_double_and_lose_nothing() -> None:
    status, figures, said = crashtest("--kills", "12", "--seed", "12")
    assert figures.get("problems") == [], said
    assert status == 0
    assert figures["kills"] >= 12
    assert (figures["doubles"], figures["lost"], figures["after_the_end"]) == (0, 0, 0)
    assert figures["journal"] == figures["sent"] > 50
    assert figures["settled"] == figures["unknown"]
    assert sum(count for point, count in figures["points"].items() if point.startswith("C")) >= 8


def test_a_journal_tells_events_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = [
        {"event": "accepted", "id": "a"},
        {"event": "reaction", "kind": "imap"},
        {"event": "reaction_lost", "kind": "mail"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    journal = Journal.read(path)
    assert (len(journal.accepted), len(journal.reactions), len(journal.lost_reactions)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("toxic", "arrives"),
    [
        (None, b"0123456789"),
        (Toxic("limit_data", 4), b"0123"),
        (Toxic("timeout", 0), b""),
        (Toxic("latency", 0.01), b"0123456789"),
    ],
)
def test_the_proxy_breaks_lines_as_told(toxic: Toxic | None, arrives: bytes) -> None:
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    found = bytearray()
    ended = threading.Event()

    def serve() -> None:
        line, _ = listener.accept()
        with line:
            line.settimeout(1)
            try:
                while data := line.recv(100):
                    found.extend(data)
            except OSError:
                pass
        ended.set()

    threading.Thread(target=serve, daemon=True).start()
    proxy = Proxy(target=("127.0.0.1", listener.getsockname()[1]), seed=1, name="test").start()
    try:
        proxy.toxics, proxy.odds = ([toxic], 1.0) if toxic else ([], 0.0)
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as line:
            line.sendall(b"0123456789")
            line.shutdown(socket.SHUT_WR)
            assert ended.wait(10)
    finally:
        proxy.stop()
        listener.close()
    assert bytes(found) == arrives
