"""Buttons that run a use case on a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from common.staff import show
from common.staff.parts import row_or_404
from common.staff.read_only import ReadOnlyAdmin


class Acting(ReadOnlyAdmin):
    """A list whose pages have such buttons. `refusal` is what a use case raises, for staff."""

    refusal: ClassVar[type[Exception]]

    def _act(
        self, request: HttpRequest, object_id: str, act: Callable[[Any], object], said: str
    ) -> HttpResponse:
        """Run a use case; record it, and show it or its refusal on the row's page."""
        model: type[Model] = self.model
        row = row_or_404(model, object_id)
        try:
            act(row)
        except (self.refusal, PermissionDenied) as error:
            self.message_user(request, str(error), "error")
        else:
            self.log_change(request, row, said)
            self.message_user(request, said)
        return redirect(show.page_of(row))
