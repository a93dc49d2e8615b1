"""The log, written by the handlers and formatters of the settings."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings

logger = logging.getLogger("portal.tests.log")
FORGED = "2026-11-24 10:00:00,000 INFO billing.webhook All is well"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a process with our settings writes; the handlers of the tests' own come back."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    logging.config.dictConfig(settings.LOGGING)
    written = io.StringIO()
    handlers = {*root.handlers, *logging.getLogger("django.server").handlers}
    for handler in handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)
    yield written
    root.handlers[:], root.level = kept, level


def test_a_record_is_one_line_whatever_is_in_it(log: io.StringIO) -> None:
    logger.warning("Refused: %s", f"x\n{FORGED}\r\x1b[2J\x85\u2028\u202e\0")
    (line,) = log.getvalue().splitlines()
    assert "Refused: x\\n2026" in line
    assert line.endswith("\\r\\x1b[2J\\x85\\u2028\\u202e\\x00")


def test_printable_text_of_any_language_stays_as_it_is(log: io.StringIO) -> None:
    logger.warning("Zoë Müller zahlt 29,00 € \\ 林")
    assert "Zoë Müller zahlt 29,00 € \\ 林" in log.getvalue()


def test_a_traceback_can_be_read_and_forges_no_line(log: io.StringIO) -> None:
    try:
        raise ValueError(f"no such name: x\n{FORGED}\x1b[2J")
    except ValueError:
        logger.exception("It failed")
    first, *below = log.getvalue().splitlines()
    assert "ERROR portal.tests.log It failed" in first
    assert any("raise ValueError" in line for line in below)
    assert all(line.startswith("    ") for line in below)
    assert below[-1] == f"    {FORGED}\\x1b[2J"


def test_the_development_servers_log_is_written_alike(log: io.StringIO) -> None:
    logging.getLogger("django.server").info('"%s" %s', f"GET /x\n{FORGED}", "404")
    assert len(log.getvalue().splitlines()) == 1
