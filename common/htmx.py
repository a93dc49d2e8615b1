"""Whether a request wants a fragment of its page."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def wants_fragment(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page; restoring history needs the whole page."""
    htmx = cast("HtmxDetails", request.htmx)  # type: ignore[attr-defined]  # set by its middleware
    return bool(htmx) and not htmx.history_restore_request
