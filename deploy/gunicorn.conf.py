"""How gunicorn serves the portal. Everything is set from the environment.

WEB_BIND               address, or PORT alone; 127.0.0.1:8000 by default
WEB_WORKERS            processes; two for each CPU is a good start
WEB_THREADS            threads in each: a page that waits for Stripe holds up no other
FORWARDED_ALLOW_IPS    whose X-Forwarded-… headers to believe (gunicorn's own name for it)

Each thread keeps its database connection (CONN_MAX_AGE), so PostgreSQL sees up to
WEB_WORKERS x WEB_THREADS connections of a host; its `max_connections` must allow for them.
"""

import os
import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from portal.logs import LineFormatter, anonymous

# What can't start is told once, and not by each worker. A process of its own looks, or the workers
# would inherit what it has imported, and a reload would not bring new code. It is not asked again
# on a reload, where gunicorn reads this file once more and would end with the old workers.
if "PORTAL_SERVED" not in os.environ:
    os.environ["PORTAL_SERVED"] = "1"
    if refused := subprocess.run([sys.executable, "-m", "portal.starting"], check=False).returncode:
        sys.exit(refused)


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip() or str(default)
    return int(value) if value.isdecimal() and int(value) else sys.exit(f"{name} must be a number.")


bind = os.environ.get("WEB_BIND") or f"127.0.0.1:{os.environ.get('PORT', '8000')}"
workers = _number("WEB_WORKERS", 2)
worker_class = "gthread"
threads = _number("WEB_THREADS", 4)

# Longer than the slowest page may be: Stripe's timeout with its retries.
timeout = 60
# On SIGTERM, what has begun is answered; supervisors must wait a little longer than this.
graceful_timeout = 30
# A reverse proxy keeps connections open; outlast its idle time.
keepalive = 75
# Heartbeats must not wait for a disk. macOS has no /dev/shm, and not everybody may write to it.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108

# Supervisors and signals are enough; no second way in.
control_socket_disable = True

# gunicorn would let a header SCRIPT_NAME or PATH_INFO say what was asked for, where a proxy in
# front lets it through: the guards of addresses would look at others than the views get.
forwarder_headers = ""

accesslog = "-"
# Path only: query strings hold codes and one-time links.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'

SECRET_IN_PATH = re.compile(r"(?<=/)[\w:=.~-]{20,}(?=/|$)")


class PublicLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Logs that anyone may read: long tokens in paths are blotted out, and nobody writes lines."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LineFormatter(self.error_fmt, self.datefmt))

    def atoms(
        self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta
    ) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        # Decoded, a path may hold line breaks: nobody may write lines of their own into the log.
        path = str(atoms["U"]).encode("unicode_escape").decode()
        path = path if path.startswith("/static/") else SECRET_IN_PATH.sub("…", path)
        atoms["U"] = anonymous(path)
        return atoms


logger_class = PublicLogger
