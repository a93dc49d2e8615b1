"""How gunicorn serves the portal. Everything is set from the environment.

WEB_BIND               address, or PORT alone; 127.0.0.1:8000 by default
WEB_WORKERS            processes; two per CPU is a good start
WEB_THREADS            threads in each, so a page that waits for Stripe doesn't block the others
FORWARDED_ALLOW_IPS    whose X-Forwarded-… headers to trust (gunicorn's own setting)

Each thread keeps its database connection (CONN_MAX_AGE), so PostgreSQL sees up to
WEB_WORKERS x WEB_THREADS connections per host; its `max_connections` must allow for them.
"""

import os
import re
import subprocess
import sys
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from common.logs import LineFormatter, anonymous

# Report bad settings once, not from each worker. A separate process checks them: otherwise workers
# would inherit its imports, and a reload wouldn't load new code. A reload reads this file again but
# skips the check, since a failure here would take the old workers down too.
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

# Longer than the slowest page can take: Stripe's timeout with its retries.
timeout = 60
# On SIGTERM, requests under way are answered; supervisors must wait a little longer than this.
graceful_timeout = 30
# A reverse proxy keeps connections open; outlast its idle time.
keepalive = 75
# Heartbeats must not wait for a disk. macOS has no /dev/shm, and not every user can write to it.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108

# Supervisors and signals are enough; there's no second way to control it.
control_socket_disable = True

# If a proxy lets them through, gunicorn would take SCRIPT_NAME and PATH_INFO from headers, and our
# guards would check other paths than the views get.
forwarder_headers = ""

accesslog = "-"
# Path only: query strings hold codes and one-time links.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'

SECRET_IN_PATH = re.compile(r"(?<=/)[\w:=.~-]{20,}(?=/|$)")


class PublicLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Access log without secrets: masks long tokens in paths and escapes line breaks."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(LineFormatter(self.error_fmt, self.datefmt))

    def atoms(
        self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta
    ) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        # A decoded path may hold line breaks: nobody may write their own lines into the log.
        path = str(atoms["U"]).encode("unicode_escape").decode()
        path = path if path.startswith("/static/") else SECRET_IN_PATH.sub("…", path)
        atoms["U"] = anonymous(path)
        return atoms


logger_class = PublicLogger
