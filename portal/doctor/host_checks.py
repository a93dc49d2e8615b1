"""Checks of the machine and the software on it: name, certificate, disk, versions, files."""

from __future__ import annotations

import shutil
import socket
import ssl
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django
import requests
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from common import days
from common.staff import show
from portal.doctor import support_dates
from portal.doctor.names import LookupFailedError, records
from portal.doctor.results import Check, Result, fail, ok, unknown, warn

SECONDS = 5.0
RENEWED = timedelta(days=14)
TOO_LATE = timedelta(days=3)
SOON = timedelta(days=180)
MIB = 1024 * 1024
LITTLE, TOO_LITTLE = 2048 * MIB, 512 * MIB


def _is_here() -> bool:
    return settings.HOST in {"localhost", "127.0.0.1", "::1"}


def name() -> Result:
    """Whether DNS knows the portal's name."""
    if _is_here():
        return ok("The portal runs at this machine’s own address.")
    try:
        found = [*records(settings.HOST, "A"), *records(settings.HOST, "AAAA")]
    except LookupFailedError as error:
        return unknown(str(error))
    if found:
        return ok(f"{settings.HOST} leads to {', '.join(found)}.")
    remedy = "Add an A record with the server’s address where your domain’s DNS is."
    return fail(f"DNS doesn’t know {settings.HOST}.", remedy)


def certificate() -> Result:
    """Whether browsers accept the certificate, and for how long."""
    if not settings.HTTPS:
        return ok("The portal doesn’t use HTTPS at this address.")
    parts = urlsplit(settings.PORTAL_URL)
    host, port = parts.hostname or "", parts.port or 443
    remedy = "Caddy renews it automatically: look into its log. Otherwise renew it yourself."
    try:
        with (
            socket.create_connection((host, port), timeout=SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return fail(f"Browsers refuse the certificate: {error.verify_message}.", remedy)
    except OSError as error:
        text = f"{host}:{port} can’t be reached from this machine: {error}"
        return unknown(text, "Look at the address from another network.")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    left = ends - timezone.now()
    text = f"The certificate is valid for {show.count(left.days, 'more day')}."
    if left < TOO_LATE:
        return fail(text, remedy)
    return warn(text, remedy) if left < RENEWED else ok(text)


def answers() -> Result:
    """Whether the portal itself answers at its address."""
    url = f"{settings.PORTAL_URL}/healthz/"
    try:
        status = requests.get(url, timeout=SECONDS, allow_redirects=False).status_code
    except requests.RequestException as error:
        text = f"The portal doesn’t answer at {url} ({type(error).__name__})."
        return unknown(text, "Start the web process, or look from another network.")
    if status == 200:
        return ok(f"The portal answers at {settings.PORTAL_URL}.")
    remedy = "Compare PORTAL_URL and ALLOWED_HOSTS with the proxy’s settings, and TRUSTED_PROXIES."
    return fail(f"{url} answers with HTTP {status} instead of 200.", remedy)


def disk() -> Result:
    """Whether there's room left on the disk that the portal writes to."""
    folder = Path(settings.STATE)
    there = next(one for one in (folder, *folder.parents) if one.exists())
    usage = shutil.disk_usage(there)
    text = f"{usage.free // MIB:,} MiB of {usage.total // MIB:,} are free at {there}."
    remedy = "Delete old backups and logs, or get a larger disk."
    if usage.free < TOO_LITTLE:
        return fail(text, remedy)
    return warn(text, remedy) if usage.free < LITTLE else ok(text)


def python() -> Result:
    """Whether Python still gets security fixes."""
    version = sys.version_info[:2]
    shown = ".".join(map(str, sys.version_info[:3]))
    return supported(f"Python {shown}", support_dates.PYTHON.get(version), timezone.now().date())


def django_itself() -> Result:
    """Whether Django still gets security fixes."""
    until = support_dates.DJANGO.get(django.VERSION[:2])
    return supported(f"Django {django.get_version()}", until, timezone.now().date())


def database() -> Result:
    """Whether PostgreSQL still gets security fixes."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        number = int(cursor.fetchone()[0])
    until = support_dates.POSTGRES.get(number // 10_000)
    shown = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    return supported(shown, until, timezone.now().date())


def supported(what: str, until: date | None, today: date) -> Result:
    """Judge a version by the day on which its security fixes end."""
    if until is None:
        return unknown(f"When support for {what} ends isn’t known here.", "Look it up.")
    text = f"{what} gets security fixes until {days.short_with_year(until)}."
    if until < today:
        text = f"{what} has had no security fixes since {days.short_with_year(until)}."
        return fail(text, "Upgrade it (docs/operations.md).")
    return warn(text, "Plan the upgrade.") if until - today < SOON else ok(text)


def migrations() -> Result:
    """Whether the database has the tables that this code expects."""
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not waiting:
        return ok("All migrations are applied.")
    names = ", ".join(f"{one.app_label}.{one.name}" for one, _ in waiting[:3])
    text = f"{show.count(len(waiting), 'migration')} not applied: {names}."
    return fail(text, "Run manage.py migrate, then restart web and worker.")


def static_files() -> Result:
    """Whether stylesheets and scripts were collected."""
    if settings.DEBUG:
        return ok("Static files are served as they are, as DEBUG is on.")
    if (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        return ok("Static files are collected.")
    return fail("Static files aren’t collected: pages fail.", "Run manage.py collectstatic.")


def backup() -> Result:
    """How old the last backup is, if a setting says where to look."""
    if not settings.BACKUP_FILE:
        remedy = "Let the backup’s script touch a file, and set BACKUP_FILE to it."
        return unknown("When the last backup was made isn’t known here.", remedy)
    pattern = Path(settings.BACKUP_FILE)
    found = [one.stat().st_mtime for one in pattern.parent.glob(pattern.name)]
    remedy = "Look at the backup’s script and its log (docs/operations.md)."
    if not found:
        return fail(f"There’s no backup at {pattern}.", remedy)
    hours = (time.time() - max(found)) / 3600
    text = f"The last backup is {show.count(round(hours), 'hour')} old."
    return ok(text) if hours <= settings.BACKUP_HOURS else fail(text, remedy)


CHECKS = (
    Check("host.name", name),
    Check("host.certificate", certificate),
    Check("host.answers", answers),
    Check("host.disk", disk),
    Check("host.python", python),
    Check("host.django", django_itself),
    Check("data.database", database),
    Check("data.migrations", migrations),
    Check("host.static", static_files),
    Check("data.backup", backup),
)
