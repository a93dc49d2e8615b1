"""With deploy/'s files, the portal can write where it has to, and nowhere else."""

from __future__ import annotations

import pytest

from common.postgres import CHECKOUT
from portal.tests.test_start_checks import GOOD
from portal.tests.test_starting import ENTRANCES, run

DEPLOY = CHECKOUT / "deploy"


@pytest.mark.parametrize("unit", ["portal-web.service", "portal-worker.service"])
def test_the_units_open_one_folder_and_stop_on_settings_that_cannot_start(unit: str) -> None:
    lines = (DEPLOY / unit).read_text().splitlines()
    assert "ProtectSystem=strict" in lines
    assert "StateDirectory=portal" in lines
    assert "RestartPreventExitStatus=78" in lines


def test_the_containers_open_one_folder_that_belongs_to_their_user() -> None:
    compose, image = ((DEPLOY / name).read_text() for name in ("compose.yaml", "Dockerfile"))
    assert "read_only: true" in compose
    assert 'volumes: ["state:/var/lib/portal"]' in compose
    assert "--owner=portal --group=portal --mode=0750 /var/lib/portal" in image


@pytest.mark.slow
def test_where_it_is_not_open_the_deployment_check_says_so() -> None:
    done = run(ENTRANCES["check"], GOOD | {"LEDGER_HEADS_FILE": "/nowhere/portal/heads"})
    assert "(portal.LEDGER_HEADS_FILE) LEDGER_HEADS_FILE can't be written" in done.stderr
    done = run(ENTRANCES["check"], GOOD | {"LEDGER_HEADS_FILE": ""})
    assert "LEDGER_HEADS_FILE" not in done.stderr
