"""One PostgreSQL server: made, started, stopped, and asked for its databases."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import pq, sql
from psycopg.rows import TupleRow

from common.postgres.programs import (
    Account,
    PostgresError,
    find_binaries,
    locale,
    run,
    server_account,
)

DATABASE = "portal"
ROLE = "portal"
START_SECONDS = 60


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
        with locked(self.home / "lock"):
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
        answer = run(
            [
                self._binaries() / "initdb",
                f"--pgdata={self.data}",
                f"--username={ROLE}",
                # The socket's folder lets nobody else in.
                "--auth=trust",
                "--encoding=UTF8",
                f"--locale={locale()}",
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
        answer = run([self._binaries() / "pg_ctl", *options, *arguments], self.account)
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
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it's released if its holder dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
