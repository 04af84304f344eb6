"""What everything the crash test starts finds in its environment: its own addresses, and hours made seconds."""

import os
import socket
from pathlib import Path

from leadgen.core.services.state import State

# Leases are longer than what they protect, as in production; only all of it is shorter.
PACE = {
    "SMTP_TIMEOUT": "2",
    "SMTP_FINAL_TIMEOUT": "2",
    "SEND_LEASE_SECONDS": "4",
    "LANE_LEASE_SECONDS": "4",
    "SEND_RETRY_SECONDS": "1",
    "IMPORT_LEASE_SECONDS": "3",
    "DISPATCH_SECONDS": "1",
    "SWEEP_SECONDS": "2",
}
FREEZE_SECONDS = 5.0  # longer than the leases
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


def environment(folder: Path) -> dict[str, str]:
    """Of the process that runs the test. Nothing of the developer's own database, broker or keys is in it."""
    state = State.locate(folder)
    env = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return env | PACE | {
        "DJANGO_SETTINGS_MODULE": "leadgen.settings",
        "LEADGEN_DATA_DIR": str(folder),
        "LEADGEN_PRODUCTION": "false",
        "DATABASE_URL": state.database_url("app"),
        "DATABASE_OWNER_URL": state.database_url("owner"),
        "REDIS_URL": state.redis_url(),
        "SECRET_KEY": state.secrets["secret_key"],
        "FIELD_KEYS": state.secrets["field_key"],
        "SITE_URL": f"http://127.0.0.1:{free_port()}",
        "MAIL_HOST_ALLOW": "127.0.0.1,localhost",
        "SYSTEM_SMTP_PORT": "9",
        "DEBUG": "true",  # static files as they are: nothing is collected
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
