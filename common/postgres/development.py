"""The lasting server of this checkout, for `manage.py` and the demo."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import psycopg

from common.postgres.cluster import DATABASE, Cluster

CHECKOUT = Path(__file__).resolve().parents[2]
# A Unix socket's path holds about 100 characters, so sockets live in the shortest folder
# available; TMPDIR is long on macOS.
SHORT = Path("/tmp")  # noqa: S108
FOLDERS_OF_ROOT = Path("/var/lib/portal-dev")


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
