"""The doctor's checks of the machine: real sockets, certificates, files, and a real database."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from billing.tests.zelle.dns_server import dns_server
from portal.doctor import host_checks
from portal.models import Outcome
from portal.tests.certificates import self_signed

OK, WARN, FAIL, UNKNOWN = Outcome.OK, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN


@contextmanager
def served(certificate: Path | None = None, status: int = 200) -> Iterator[int]:
    """Answer at a port of this machine, with or without HTTPS."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(("days", "outcome"), [(60, OK), (10, WARN), (1, FAIL)])
def test_the_certificates_days(
    days: int,
    outcome: Outcome,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pem = self_signed(tmp_path, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with served(pem) as port:
        settings.HTTPS, settings.PORTAL_URL = True, f"https://127.0.0.1:{port}"
        found = host_checks.certificate()
    assert found.outcome == outcome
    assert f"{days} more day" in found.text


def test_a_certificate_that_browsers_refuse(settings: Settings, tmp_path: Path) -> None:
    with served(self_signed(tmp_path)) as port:
        settings.HTTPS, settings.PORTAL_URL = True, f"https://127.0.0.1:{port}"
        found = host_checks.certificate()
        assert found.outcome == FAIL
    assert host_checks.certificate().outcome == UNKNOWN
    settings.HTTPS = False
    assert host_checks.certificate().outcome == OK


def test_whether_the_portal_answers(settings: Settings) -> None:
    with served() as port:
        settings.PORTAL_URL = f"http://127.0.0.1:{port}"
        assert host_checks.answers().outcome == OK
    assert host_checks.answers().outcome == UNKNOWN
    with served(status=400) as port:
        settings.PORTAL_URL = f"http://127.0.0.1:{port}"
        found = host_checks.answers()
    assert (found.outcome, "ALLOWED_HOSTS" in found.remedy) == (FAIL, True)


def test_the_name_in_dns(settings: Settings) -> None:
    settings.HOST = "portal.harbor.example"
    with dns_server() as server:
        assert host_checks.name().outcome == FAIL
        server.addresses["portal.harbor.example"] = "192.0.2.7"
        assert "192.0.2.7" in host_checks.name().text
        server.failing.add("portal.harbor.example")
        assert host_checks.name().outcome == UNKNOWN
    settings.HOST = "localhost"
    assert host_checks.name().outcome == OK


def test_the_backups_age(settings: Settings, tmp_path: Path) -> None:
    settings.BACKUP_FILE = ""
    assert host_checks.backup().outcome == UNKNOWN
    settings.BACKUP_FILE = str(tmp_path / "portal-*.dump")
    assert host_checks.backup().outcome == FAIL
    for name, hours in (("portal-1.dump", 50), ("portal-2.dump", 30)):
        path = tmp_path / name
        path.touch()
        os.utime(path, (time.time() - hours * 3600,) * 2)
    found = host_checks.backup()
    assert (found.outcome, "30 hours" in found.text) == (FAIL, True)
    (tmp_path / "portal-3.dump").touch()
    assert host_checks.backup().outcome == OK


@pytest.mark.parametrize(
    ("today", "outcome"),
    [(date(2026, 1, 1), OK), (date(2027, 7, 1), WARN), (date(2027, 11, 1), FAIL)],
)
def test_support_dates(today: date, outcome: Outcome) -> None:
    assert host_checks.supported("Python 3.11.9", date(2027, 10, 31), today).outcome == outcome
    assert host_checks.supported("Python 4", None, today).outcome == UNKNOWN


@pytest.mark.django_db
def test_the_database_and_its_migrations() -> None:
    assert "PostgreSQL 1" in host_checks.database().text
    assert host_checks.migrations().outcome == OK
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'emails'")
    found = host_checks.migrations()
    assert (found.outcome, "emails.0001" in found.text) == (FAIL, True)


def test_disk_and_static_files(settings: Settings, tmp_path: Path) -> None:
    settings.STATE = tmp_path / "not" / "made" / "yet"
    assert str(tmp_path) in host_checks.disk().text
    settings.DEBUG, settings.STATIC_ROOT = False, tmp_path
    assert host_checks.static_files().outcome == FAIL
    (tmp_path / "staticfiles.json").write_text("{}")
    assert host_checks.static_files().outcome == OK
