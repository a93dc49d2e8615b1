"""Makes the test database from a dump that the last migration left, while migrations stay the same.

Migrating an empty database takes half of the time to the first test; restoring a dump of the result
takes a tenth of that. Any change of a migration, an app, or the server's version migrates anew.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg.conninfo import make_conninfo

from common.postgres.cluster import locked
from common.postgres.programs import PostgresError, find_binaries


@contextmanager
def test_database(kept: Path | None) -> Iterator[None]:
    """Make the test database and drop it at the end.

    `kept`: a folder for dumps. Without one, nothing is kept, and everything is migrated.
    """
    creation, original = connection.creation, connection.settings_dict["NAME"]
    creation._create_test_db(verbosity=0, autoclobber=True)  # type: ignore[attr-defined]
    connection.close()
    name = creation._get_test_db_name()  # type: ignore[attr-defined]
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    try:
        _fill(kept)
        yield
    finally:
        connection.close()
        creation.destroy_test_db(original, verbosity=0)


def _fill(kept: Path | None) -> None:
    programs = _programs() if kept else None
    if kept is None or programs is None:
        _migrate()
        return
    dump = kept / f"{digest()}.sql"
    # The first process migrates; those that start beside it restore what it made.
    with locked(kept / "lock"):
        if not dump.exists():
            _migrate()
            _write(programs, dump)
            return
    _run(programs / "psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}")
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


def _migrate() -> None:
    call_command("migrate", verbosity=0, interactive=False)


def _write(programs: Path, dump: Path) -> None:
    for old in dump.parent.glob("*.sql"):
        old.unlink()
    new = dump.with_suffix(".new")
    connection.close()
    _run(programs / "pg_dump", "--no-owner", "--no-privileges", f"--file={new}")
    new.rename(dump)


def _run(program: Path, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the test database.

    Raises:
        PostgresError: it failed; the text is what it said.
    """
    address = make_conninfo(**_parameters())
    answer = subprocess.run(
        [str(program), f"--dbname={address}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise PostgresError(answer.stderr)


def _parameters() -> dict[str, str]:
    wanted = ("host", "port", "user", "password", "dbname")
    found = connection.get_connection_params()
    return {name: found[name] for name in wanted if found.get(name)}


def _programs() -> Path | None:
    """Return where pg_dump and psql of the server's own version are; None if they aren't."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10_000
    try:
        folder = find_binaries(major)
    except PostgresError:
        return None
    return folder if all((folder / name).exists() for name in ("pg_dump", "psql")) else None


def digest() -> str:
    """Return what a migrated database depends on, as a short name."""
    found = hashlib.sha256()
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        found.update(f"{cursor.fetchone()[0]} {os.environ.get('TEST_CLOCK', '')}".encode())
    for config in sorted(apps.get_app_configs(), key=lambda one: one.label):
        module, _ = MigrationLoader.migrations_module(config.label)
        found.update(f"{config.label} {module}".encode())
        for file in _files(module or ""):
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:32]


def _files(module: str) -> list[Path]:
    try:
        package = import_module(module)
    except (ImportError, ValueError):
        # The app has no migrations.
        return []
    return sorted(Path(next(iter(package.__path__))).glob("*.py"))
