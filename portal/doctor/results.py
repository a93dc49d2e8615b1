"""What a check says: a result, in plain words, and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.backoffice import check_titles
from portal.models import Outcome

# The worst first.
ORDER = (Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN, Outcome.OK)


@dataclass(frozen=True)
class Result:
    """What one check found. Never holds a secret."""

    outcome: Outcome
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """A check by its key (`mail.server`): what comes before the point is its group."""

    key: str
    run: Callable[[], Result]

    @property
    def title(self) -> str:
        """What it's called, in the active language."""
        return str(check_titles.TITLES.get(self.key, self.key))


@dataclass(frozen=True)
class Finding:
    """A result with the check that it's of."""

    key: str
    title: str
    outcome: Outcome
    text: str
    remedy: str = ""


def ok(text: str) -> Result:
    """It's as it should be."""
    return Result(Outcome.OK, text)


def warn(text: str, remedy: str = "") -> Result:
    """It works, and something should be done about it."""
    return Result(Outcome.WARN, text, remedy)


def fail(text: str, remedy: str = "") -> Result:
    """It doesn't work, or not for long."""
    return Result(Outcome.FAIL, text, remedy)


def unknown(text: str, remedy: str = "") -> Result:
    """It can't be told from here."""
    return Result(Outcome.UNKNOWN, text, remedy)


def worst(findings: list[Finding]) -> Outcome:
    """Return the worst outcome; nothing at all is fine."""
    found = {one.outcome for one in findings}
    return next((one for one in ORDER if one in found), Outcome.OK)
