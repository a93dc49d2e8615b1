"""The embedded PostgreSQL: this checkout's own server, for development, demo, and tests.

It listens on a Unix socket in a private folder, never on a port, and never runs as root: root
starts it as another user. `embedded_url()` starts it on demand.
"""

from common.postgres.cluster import DATABASE, Cluster
from common.postgres.development import CHECKOUT, SHORT, development_cluster, embedded_url
from common.postgres.programs import PostgresError, find_binaries, server_account
from common.postgres.temporary import run_with_temporary_cluster, temporary_cluster

__all__ = [
    "CHECKOUT",
    "DATABASE",
    "SHORT",
    "Cluster",
    "PostgresError",
    "development_cluster",
    "embedded_url",
    "find_binaries",
    "run_with_temporary_cluster",
    "server_account",
    "temporary_cluster",
]
