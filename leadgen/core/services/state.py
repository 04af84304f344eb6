"""Where the embedded services keep their things: data, logs, passwords, sockets. Standard library only."""

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[3]
SOCKET_PATH_LIMIT = 107  # bytes of sockaddr_un.sun_path, less the closing zero
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"


class ServiceError(RuntimeError):
    """An embedded service cannot run; the message names the cause and the remedy."""


def _reachable_by_others(path: Path) -> bool:
    """Whether another OS user may walk down to `path` (each existing parent has the x bit for others)."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents if parent.exists())


def _server_user(owned: Path) -> tuple[int, int] | None:
    """(uid, gid) the servers run as: None is ourselves. PostgreSQL refuses root, so root lends another user's name."""
    if os.geteuid() != 0:
        return None
    if owned.exists():
        found = owned.stat()
        return found.st_uid, found.st_gid
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise ServiceError(
        "PostgreSQL does not run as root, and this system has neither a user `postgres` nor `nobody`. "
        "Run Leadgen as another user, or set DATABASE_URL and REDIS_URL to servers of your own."
    )


@dataclass(frozen=True)
class State:
    """One set of embedded services. `root` holds pg/, valkey/, log/ and secrets.json; `test` trades durability for speed."""

    root: Path
    test: bool = False

    @classmethod
    def locate(cls, data_dir: Path | None = None, *, test: bool = False) -> "State":
        """The state of this checkout: `.data` (or LEADGEN_DATA_DIR); for root outside a closed home folder.

        As root the servers run as another user, who could not reach `.data` below a 0700 folder, and opening that
        folder to all is not ours to do: the state is then at /var/lib/leadgen-<hash of the path>.
        """
        data = (data_dir or Path(os.environ.get("LEADGEN_DATA_DIR") or BASE_DIR / ".data")).absolute()
        if os.geteuid() == 0:
            outside = Path("/var/lib") / f"leadgen-{hashlib.sha256(os.fsencode(data)).hexdigest()[:10]}"
            if outside.exists() or not _reachable_by_others(data):
                data = outside
        return cls(root=data / "test" if test else data, test=test)

    @cached_property
    def user(self) -> tuple[int, int] | None:
        return _server_user(self.root / "pg")

    @property
    def cluster(self) -> Path:
        return self.root / "pg"

    @property
    def valkey_data(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @cached_property
    def sockets(self) -> Path:
        """A private folder whose socket paths fit into sockaddr_un: in the state, else the user's runtime folder or /tmp."""
        own = self.root / "run"
        plain = not set(str(own)) & set(", '\"\\?#%")
        if plain and len(os.fsencode(own)) + len(LONGEST_SOCKET_NAME) <= SOCKET_PATH_LIMIT:
            return own
        tag = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:10]
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime and len(runtime) < 60 and Path(runtime).is_dir():
            return Path(runtime) / f"leadgen-{tag}"
        return Path("/tmp") / f"leadgen-{os.geteuid()}-{tag}"

    @property
    def keeper_socket(self) -> Path:
        return self.sockets / "keeper"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey"

    def prepare(self) -> None:
        """Make the folders, private to the servers' user. Safe to repeat.

        Raises ServiceError where a folder belongs to somebody else (someone waiting in /tmp for our sockets).
        """
        self.root.mkdir(parents=True, exist_ok=True)
        if self.user is None:
            self.root.chmod(0o700)  # as root the servers' user must pass; what lies inside is closed one by one
        self.logs.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.sockets, self.valkey_data):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                self.give(folder)
            found = folder.lstat()
            expected = self.user[0] if self.user else os.geteuid()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected or stat.S_IMODE(found.st_mode) & 0o077:
                raise ServiceError(
                    f"{folder} should be a folder of user {expected} closed to others, and is not. "
                    "Remove it, or set LEADGEN_DATA_DIR to a folder of your own."
                )

    def give(self, path: Path) -> None:
        """Hand a file or folder to the servers' user (a no-op unless we are root)."""
        if self.user is not None:
            os.chown(path, *self.user)

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """One process at a time; the kernel frees the lock of a process that died."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f"{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Passwords of the roles and the local keys, made once, readable by us only."""
        path = self.root / "secrets.json"
        if not path.exists():
            made = {name: secrets.token_urlsafe(24) for name in ("superuser", "owner", "app", "bypass")}
            made["secret_key"] = secrets.token_urlsafe(48)
            made["field_key"] = urlsafe_b64encode(secrets.token_bytes(32)).decode()  # the shape of a Fernet key
            self.root.mkdir(parents=True, exist_ok=True)
            draft = self.root / f"secrets.{os.getpid()}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
                json.dump(made, handle)
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # the first of several processes wins, and nobody reads a half-written file
            draft.unlink()
        found: dict[str, str] = json.loads(path.read_text())
        return found

    def database_url(self, role: str, database: str = "leadgen") -> str:
        """postgresql:// URL of `role` (superuser, owner, app, bypass) over the private socket."""
        user = "postgres" if role == "superuser" else f"leadgen_{role}"
        return f"postgresql://{user}:{self.secrets[role]}@/{database}?host={self.sockets}"

    def redis_url(self, number: int = 0) -> str:
        return f"unix://{self.valkey_socket}?db={number}"
