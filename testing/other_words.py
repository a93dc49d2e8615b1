"""Lets tests speak other words than the product's own, without a trace in those that follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import translation
from django_countries import countries

from emails import compiling


@contextmanager
def forgotten_afterward() -> Iterator[None]:
    """Inside this, a test may replace a language's words: what's kept of them is forgotten.

    Emails' templates are made once per language, and the list of countries keeps its names.
    """
    _forget()
    try:
        yield
    finally:
        translation.deactivate()
        _forget()


def _forget() -> None:
    compiling.forget()
    del countries.countries
