"""What everything the crash test starts finds in its environment: its own addresses, and hours made seconds."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from leadgen.core import services
from leadgen.core.services.state import BASE_DIR, State

# Leases are longer than what they protect, as in production; only all of it is shorter.
PACE = {
    "SMTP_TIMEOUT": "2",
    "SMTP_FINAL_TIMEOUT": "2",
    "SEND_LEASE_SECONDS": "4",
    "LANE_LEASE_SECONDS": "4",
    "SEND_BATCH": "8",  # what a loaded machine sends well within a lease
    "SEND_RETRY_SECONDS": "1",
    "IMPORT_LEASE_SECONDS": "3",
    "DISPATCH_SECONDS": "1",
    "MAIL_POLL_SECONDS": "2",
    "MAIL_SYNC_LEASE_SECONDS": "6",
    "SWEEP_SECONDS": "2",
}
FREEZE_SECONDS = 6.0  # longer than the leases
IDLE_SECONDS = 4  # so long a frozen worker keeps the locks of its transaction (core/database.py says two minutes)
LEFT_OUT = (
    "LEADGEN_TEST_WORKER",
    "LEADGEN_TEST_SLOT",
    "PYTEST_XDIST_WORKER",
    "PYTEST_CURRENT_TEST",
    "LEADGEN_CRASH_AT",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def points_in_code() -> set[str]:
    """Every crash point that the code has."""
    found: set[str] = set()
    for folder in ("campaigns", "prospects", "leadgen"):
        for path in (BASE_DIR / folder).rglob("*.py"):
            found.update(re.findall(r'crash_point\("(C\d+)"\)', path.read_text()))
    return found


def template() -> Path:
    """Where a migrated cluster for this code is kept between runs, so that not every run migrates."""
    return State.locate().root / "crash-template" / services.schema_digest()[:12]


def take_template(folder: Path) -> bool:
    """Start from the kept cluster, if there is one. Its passwords come along."""
    kept, state = template(), State.locate(folder)
    if not (kept / "secrets.json").exists():
        return False
    state.root.mkdir(parents=True, exist_ok=True)
    shutil.copy2(kept / "secrets.json", state.root / "secrets.json")
    subprocess.run(["cp", "-a", "--reflink=auto", str(kept / "pg"), str(state.cluster)], check=True)
    return True


def keep_template(kept: Path, state: State) -> None:
    """Keep a cleanly stopped cluster; older ones go."""
    if kept.exists():
        return
    shutil.rmtree(kept.parent, ignore_errors=True)
    draft = kept.with_name(f"{kept.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(state.cluster), str(draft / "pg")], check=True)
    shutil.copy2(state.root / "secrets.json", draft / "secrets.json")
    draft.rename(kept)


def environment(folder: Path) -> dict[str, str]:
    """Of the process that runs the test. Nothing of the developer's own database, broker or keys is in it."""
    kept = str(template())
    take_template(folder)
    state = State.locate(folder)
    env = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return env | PACE | {
        "DJANGO_SETTINGS_MODULE": "leadgen.settings",
        "LEADGEN_DATA_DIR": str(folder),
        "LEADGEN_PRODUCTION": "false",
        "LEADGEN_CRASH_TEMPLATE": kept,
        "DATABASE_URL": state.database_url("app"),
        "DATABASE_OWNER_URL": state.database_url("owner"),
        "REDIS_URL": state.redis_url(),
        "SECRET_KEY": state.secrets["secret_key"],
        "FIELD_KEYS": state.secrets["field_key"],
        "SITE_URL": f"http://127.0.0.1:{free_port()}",
        "ESP_API_URLS": f"postmark=http://127.0.0.1:{free_port()}/",
        "MAIL_HOST_ALLOW": "127.0.0.1,localhost",
        "SYSTEM_SMTP_PORT": "9",
        "DEBUG": "true",  # static files as they are: nothing is collected
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
