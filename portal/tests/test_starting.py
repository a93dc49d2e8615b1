"""Web, worker, and manage.py as real processes, with settings they must refuse."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest

from common.postgres import CHECKOUT
from portal.tests.test_start_checks import GOOD
from testing import thorough
from testing.thorough import one_in

WEB = ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "portal.wsgi"]
ENTRANCES = {
    "web": WEB,
    "web without our configuration": ["-m", "gunicorn", "--bind", "127.0.0.1:0", "portal.wsgi"],
    "worker": ["manage.py", "worker"],
    "migrate": ["manage.py", "migrate"],
    "check": ["manage.py", "check", "--deploy"],
}
CASES = {
    "DATABASE_URL": "",
    "SECRET_KEY": "too-short",
    "PORTAL_URL": "http://portal.harbor.example",
    "ALLOWED_HOSTS": "*",
    "STRIPE_API_BASE": "http://127.0.0.1:9",
    "STRIPE_WEBHOOK_SECRETS": "whsec_replace_me",
    "WORKER_CONCURRENCY": "many",
}


def run(
    command: Sequence[str], settings: Mapping[str, str], folder: Path = CHECKOUT
) -> subprocess.CompletedProcess[str]:
    """Run a command with these settings and no others, as a host would."""
    kept = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=kept | dict(settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@thorough.MARK
@pytest.mark.parametrize(
    ("name", "entrance"), one_in(2, [*product(["DATABASE_URL", "WORKER_CONCURRENCY"], ENTRANCES)])
)
def test_every_process_refuses_in_one_sentence(entrance: str, name: str) -> None:
    done = run(ENTRANCES[entrance], GOOD | {"DEBUG": "false", name: CASES[name]})

    said = [line for line in (done.stdout + done.stderr).splitlines() if line[:1] != "["]
    assert len(said) == 1, done.stderr
    assert name in said[0]
    assert done.returncode == (3 if "without" in entrance else 78)


@thorough.MARK
@pytest.mark.parametrize("name", one_in(3, list(CASES)))
def test_the_worker_refuses_each_fault(name: str) -> None:
    done = run(ENTRANCES["worker"], GOOD | {"DEBUG": "false", name: CASES[name]})

    assert done.returncode == 78
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert name in sentence


@pytest.mark.slow
def test_debug_is_off_for_the_web_unless_switched_on() -> None:
    """This checkout has a developer's packages; a web server is in development nowhere."""
    done = run(WEB, {})

    assert done.returncode == 78
    assert "Set DATABASE_URL" in done.stderr


@pytest.mark.slow
def test_a_web_server_says_which_of_its_numbers_is_none() -> None:
    done = run(WEB, GOOD | {"WEB_WORKERS": "two"})

    assert done.returncode == 1
    assert done.stderr == "WEB_WORKERS must be a number.\n"


@pytest.mark.slow
def test_deployment_checks_name_what_is_left() -> None:
    left = {"STRIPE_SECRET_KEY": "sk_test_51Nabc", "STRIPE_WEBHOOK_SECRETS": "", "EMAIL_URL": ""}

    done = run(ENTRANCES["check"], GOOD | left)

    assert done.returncode == 0
    for name in left:
        assert f"(portal.{name})" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_image_is_built_without_database_or_secrets(tmp_path: Path) -> None:
    """As deploy/Dockerfile does it: what it copies, and no settings but DEBUG."""
    for name in (
        "manage.py",
        "portal",
        "members",
        "billing",
        "emails",
        "common",
        "templates",
        "static",
    ):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    command = ["manage.py", "collectstatic", "--no-input", "--dry-run"]

    done = run(command, {"DEBUG": "false", "DATABASE_URL": ""}, tmp_path)

    assert done.returncode == 0, done.stderr
    assert re.search("static files? copied", done.stdout)
