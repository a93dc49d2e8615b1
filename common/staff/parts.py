"""Columns and buttons of staff pages: Unfold's decorators with types, and our questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.db.models import Model
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from unfold.dataclasses import ActionDialog
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from common.staff.dialogs import with_a_page

Method = TypeVar("Method", bound=Callable[..., Any])
Row = TypeVar("Row", bound=Model)
# Where a request keeps the rows of its buttons.
ROWS = "rows_of_buttons"


def row_or_404(model: type[Row], object_id: str) -> Row:
    """Return the row with the number in an address. Raises Http404 if there's none."""
    if not (object_id.isascii() and object_id.isdecimal()):
        raise Http404("There is no such row.")
    return get_object_or_404(model, pk=object_id)


def row_of_buttons(request: HttpRequest, model: type[Row], object_id: str) -> Row | None:
    """Return the row that a page's buttons are about, read once a request: each of them asks.

    What a button then does reads it again, under its lock.
    """
    if not (object_id.isascii() and object_id.isdecimal()):
        return None
    known: dict[tuple[type[Model], str], Model | None] | None = getattr(request, ROWS, None)
    if known is None:
        known = {}
        setattr(request, ROWS, known)
    key = (model, object_id)
    if key not in known:
        known[key] = model._default_manager.filter(pk=object_id).first()
    return cast("Row | None", known[key])


def column(
    description: str, *, ordering: str | None = None, header: bool = False, boolean: bool = False
) -> Callable[[Method], Method]:
    """Make a method a column or a field. With `header` it returns two lines of text."""
    decorate: Callable[[Method], Method] = display(
        description=description,
        ordering=ordering,
        header=header or None,
        boolean=boolean or None,
    )
    return decorate


def link_button(
    description: str, *, icon: str, path: str, permission: str
) -> Callable[[Method], Method]:
    """Make a method a button that opens another site's page in a new tab."""
    decorate: Callable[[Method], Method] = action(
        description=description,
        icon=icon,
        url_path=path,
        permissions=[permission],
        attrs={"target": "_blank", "rel": "noopener"},
    )
    return decorate


def page_button(
    description: str, *, icon: str, path: str, permission: str
) -> Callable[[Method], Method]:
    """Make a method a button that leads to another of our pages."""
    decorate: Callable[[Method], Method] = action(
        description=description, icon=icon, url_path=path, permissions=[permission]
    )
    return decorate


def button(
    description: str,
    *,
    icon: str,
    path: str,
    permission: str,
    question: str,
    explanation: str,
    form: type[BaseDialogForm] | None = None,
    is_primary: bool = True,
) -> Callable[[Method], Method]:
    """Make a method a button that asks first. Opening the question changes nothing; yes is a POST.

    `permission` names the list's method `has_…_permission`. `form` asks for more than a yes.
    """
    ask: Callable[[Method], Method] = action(
        description=description,
        icon=icon,
        url_path=path,
        permissions=[permission],
        variant=ActionVariant.PRIMARY if is_primary else ActionVariant.DEFAULT,
        dialog=ActionDialog(
            title=question, description=explanation, form_class=form, form_submit_text=description
        ),
    )

    def decorate(method: Method) -> Method:
        return with_a_page(ask(method))

    return decorate
