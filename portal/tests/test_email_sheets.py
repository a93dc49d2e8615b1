"""`bin/screenshots --emails`: it needs no database, which can't be asked beside a browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emails.catalog import CATALOG

ROOT = Path(__file__).resolve().parent.parent.parent
RENDER = "from e2e import email_sheets as e; e._set_up(); print(*(name for name, _ in e._emails()))"


@pytest.mark.slow
def test_every_kind_is_rendered_without_a_database() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RENDER],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "DEBUG": "true"},
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == [str(kind) for kind, spec in CATALOG.items() if spec.email]
    assert "can't be read" not in done.stderr
