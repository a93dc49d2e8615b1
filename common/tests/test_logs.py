"""The log, written by the handlers and formatters of the settings."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings

logger = logging.getLogger("portal.tests.log")
FORGED = "2026-11-24 10:00:00,000 INFO billing.inbound.webhook All is well"


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


@pytest.mark.parametrize(
    "person",
    [
        "ines.hall+yoga@harbor.example",
        "<ines@harbor.example>:",
        "'ines@żółw.example'",
        "Ιnes@xn--kva.example,",
        "mailto:ines@harbor.example?subject=x",
        "smtp://ines:s3cret@mail.harbor.example:587",
        "to=ines@harbor.example;",
        "+12075550123",
        "+1 (207) 555-0123.",
        "To=%2B12075550123&x=1",
        "+44 20 7946 0958",
    ],
)
def test_nobody_can_be_reached_by_a_line(log: io.StringIO, person: str) -> None:
    logger.warning("550 %s no such user", person)
    try:
        raise ValueError(f"{person} was refused")
    except ValueError:
        logger.exception("It failed")
    written = log.getvalue()
    for hint in ("ines", "Ιnes", "harbor", "żółw", "s3cret", "5550123", "555-0123", "0958"):
        assert hint not in written
    assert "no such user" in written
    assert "was refused" in written


@pytest.mark.parametrize(
    "text",
    [
        "Event evt_1Nabc (invoice.paid): processed",
        "2026-11-28 05:10:34 +0000 starts",
        "Ledger of refunds: entry 12, head 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
        "took +12 ms, 1+1=2 and 1,234,567 rows",
        "an @ alone, and @decorator",
    ],
)
def test_what_reaches_nobody_stays(log: io.StringIO, text: str) -> None:
    logger.warning(text)
    assert text in log.getvalue()
