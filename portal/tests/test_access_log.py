"""The logs of deploy/gunicorn.conf.py, written by a real gunicorn."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from common.postgres import CHECKOUT, SHORT

APPLICATION = """
def application(environ, start_response):
    if environ["PATH_INFO"] == "/broken/":
        raise ValueError("said\\x1b[2J from\\noutside")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
TOKEN = "k3J9xTq0bLmN7vRz2WcYp5"


def _request_all(socket: Path) -> None:
    deadline = time.monotonic() + 20
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=transport, base_url="http://portal") as client:
        client.get("/payments/", params={"code": TOKEN})
        client.get(f"/sms/status/{TOKEN}/")
        client.get("/static/portal.0123456789abcdef01234567.css")
        client.get("/broken/")


@pytest.fixture
def log(tmp_path: Path) -> list[str]:
    """The lines that three requests with secrets in them leave behind, and one that fails."""
    (tmp_path / "hello.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "gunicorn", "--pythonpath", str(tmp_path), "hello"]
    command += ["--config", str(CHECKOUT / "deploy" / "gunicorn.conf.py")]
    # tmp_path is too long for a socket on macOS.
    with tempfile.TemporaryDirectory(dir=SHORT) as folder:
        socket = f"{folder}/socket"
        with subprocess.Popen(
            command,
            env=os.environ | {"WEB_BIND": f"unix:{socket}", "WEB_WORKERS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as server:
            try:
                _request_all(Path(socket))
            finally:
                server.terminate()
            output = server.communicate()[0]
    return str(output).splitlines()


@pytest.fixture
def access_log(log: list[str]) -> list[str]:
    """Those of the requests that were answered."""
    return [line for line in log if '"GET /' in line]


def test_requests_are_logged_without_what_is_secret_in_them(access_log: list[str]) -> None:
    assert len(access_log) == 3
    assert not [line for line in access_log if TOKEN in line]
    assert '"GET /payments/" 200' in access_log[0]
    assert '"GET /sms/status/…/" 200' in access_log[1]


def test_static_files_keep_their_names(access_log: list[str]) -> None:
    assert "/static/portal.0123456789abcdef01234567.css" in access_log[2]


def test_an_error_is_logged_as_it_is_and_says_nothing_to_the_terminal(log: list[str]) -> None:
    said = next(line for line in log if "ValueError: said" in line)
    assert said == r"    ValueError: said\x1b[2J from"
    assert log[log.index(said) + 1] == "    outside"
    assert not [line for line in log if "\x1b" in line]
