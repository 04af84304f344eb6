"""A real IMAP server on loopback: Debian's Dovecot with a configuration of its own in a folder of its own.

Needs the program `dovecot` (Debian package dovecot-imapd); `DOVECOT` is None without it. Standard library only, so that
programs outside of pytest can use it too. Runs as root or as anybody; everything it started ends with the context, and
with the process that opened it (PR_SET_PDEATHSIG).
"""

import ctypes
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
MISSING = "no Dovecot: apt-get install dovecot-imapd"
PASSWORD = "dovecot-pass"

CONFIG = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
protocols = imap
listen = 127.0.0.1
{ssl}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
auth_cache_size = 0
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:~/Maildir:LAYOUT=fs
maildir_very_dirty_syncs = no
mail_max_userip_connections = 100
mailbox_idle_check_interval = 1 secs
imap_idle_notify_interval = 2 mins
service imap-login {{
  chroot =
  process_min_avail = 0
  client_limit = 500
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = {has_tls}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/homes/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Spam {{
    auto = create
    special_use = \\Junk
  }}
  mailbox Drafts {{
    auto = create
    special_use = \\Drafts
  }}
}}
"""


@dataclass
class Dovecot:
    """`port` speaks IMAP without TLS (and `tls_port` with, where asked for); any user exists, with PASSWORD."""

    root: Path
    port: int
    uid: int
    gid: int
    tls_port: int = 0
    process: subprocess.Popen[bytes] | None = None
    seen: set[str] = field(default_factory=set)

    def maildir(self, user: str, folder: str = "INBOX") -> Path:
        """The Maildir of a folder, made where it is missing."""
        path = self.root / "homes" / user / "Maildir"
        if folder != "INBOX":
            path = path / folder
        for part in ("cur", "new", "tmp"):
            made = path / part
            missing = [made, *[p for p in made.parents if self.root in p.parents]]
            made.mkdir(parents=True, exist_ok=True)
            for one in missing:
                self._own(one)
        return path

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX") -> str:
        """Put a mail into a Maildir as a delivery agent does; returns its file name."""
        name = f"{time.time_ns()}.{uuid.uuid4().hex}.test"
        box = self.maildir(user, folder)
        temporary = box / "tmp" / name
        temporary.write_bytes(raw.replace(b"\r\n", b"\n"))
        self._own(temporary)
        temporary.rename(box / "new" / name)
        return name

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """The bytes of every mail in a folder."""
        box = self.maildir(user, folder)
        found = [path for part in ("cur", "new") for path in (box / part).iterdir() if path.is_file()]
        return [path.read_bytes() for path in sorted(found)]

    def change_uidvalidity(self, user: str, folder: str = "INBOX") -> None:
        """Forget every UID of a folder: the server numbers its mails anew under another UIDVALIDITY."""
        box = self.maildir(user, folder)
        for path in box.glob("dovecot*"):
            if path.is_file():
                path.unlink()
        wanted = time.time_ns() // 1_000_000_000 + 1000
        uidlist = box / "dovecot-uidlist"
        uidlist.write_text(f"3 V{wanted} N1 G{uuid.uuid4().hex}\n")
        self._own(uidlist)

    def log(self) -> str:
        path = self.root / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


@contextmanager
def running_dovecot(*, port: int = 0, tls: tuple[Path, Path] | None = None) -> Iterator[Dovecot]:
    """Start a server, wait until it greets, end it with all its children. `tls` is (certificate, key)."""
    if DOVECOT is None:
        raise RuntimeError(MISSING)
    # Unix sockets have short names: not below pytest's deep folders.
    root = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    root.chmod(0o755)
    as_root = os.geteuid() == 0
    user = pwd.getpwnam("nobody") if as_root else pwd.getpwuid(os.geteuid())
    group = "dovecot" if as_root else grp.getgrgid(os.getegid()).gr_name
    server = Dovecot(root, port or _free_port(), user.pw_uid, user.pw_gid, _free_port() if tls else 0)
    text = CONFIG.format(
        root=root, port=server.port, tls_port=server.tls_port, has_tls="yes" if tls else "no",
        ssl=f"ssl = yes\nssl_cert = <{tls[0]}\nssl_key = <{tls[1]}" if tls else "ssl = no",
        internal="dovecot" if as_root else user.pw_name, group=group, login="dovenull" if as_root else user.pw_name,
        uid=user.pw_uid, gid=user.pw_gid, password=PASSWORD,
    )  # fmt: skip
    (root / "homes").mkdir()
    server._own(root / "homes")
    config = root / "dovecot.conf"
    config.write_text(text)
    process = subprocess.Popen(
        [DOVECOT, "-F", "-c", str(config)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, preexec_fn=_die_with_parent,
    )  # fmt: skip
    server.process = process
    try:
        _until(lambda: process.poll() is not None or _greets(server.port), seconds=15)
        if process.poll() is not None:
            said = process.stdout.read().decode() if process.stdout else ""
            raise RuntimeError(f"Dovecot ended with {process.returncode}: {said}{server.log()}")
        yield server
    finally:
        stop(server)


def stop(server: Dovecot) -> None:
    """End the server and its children at once (asked to, it takes a second, and its mail goes anyway); harmless when it
    has ended."""
    process = server.process
    if process is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also workers that were in the middle of something
        process.wait()
        if process.stdout:
            process.stdout.close()
    shutil.rmtree(server.root, ignore_errors=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as line:
            line.settimeout(5)
            return line.recv(4).startswith(b"* OK")
    except OSError:
        return False


def _until(ready: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds} s")
        time.sleep(0.02)
