"""A button's question: a dialog if HTMX asks for one, or else a whole staff page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from unfold.forms import BaseDialogForm

from common.htmx import wants_fragment
from common.staff.put_aside import take_up

Method = TypeVar("Method", bound=Callable[..., Any])


def with_a_page(button: Method) -> Method:
    """Let a button's question also open by its address: in a tab, or without JavaScript."""

    @wraps(button)
    def answer(model_admin: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not wants_fragment(request):
            object_id = kwargs.get("object_id")
            _check(model_admin, request, button, object_id)
            asked = _form(button, request, object_id)
            if not asked.is_valid():
                return _page(model_admin, request, button, asked)
        answered: HttpResponse = button(model_admin, request, *args, **kwargs)
        return answered

    return answer  # type: ignore[return-value]


def ask_again(request: HttpRequest, button: Any, form: BaseDialogForm) -> HttpResponse:
    """Show a button's question again, with the input and its errors."""
    if wants_fragment(request):
        return render(request, "unfold/helpers/dialog.html", _question(button, form))
    return _page(button.__self__, request, button, form)


def _check(model_admin: Any, request: HttpRequest, button: Any, object_id: str | None) -> None:
    """Raise PermissionDenied if the user may not press it, Http404 if the row doesn't exist."""
    about = [] if object_id is None else [object_id]
    for name in button.allowed_permissions:
        if not getattr(model_admin, f"has_{name}_permission")(request, *about):
            raise PermissionDenied
    if object_id is not None:
        if not (object_id.isascii() and object_id.isdecimal()):
            raise Http404("There is no such row.")
        get_object_or_404(model_admin.model, pk=object_id)


def _form(button: Any, request: HttpRequest, object_id: str | None) -> BaseDialogForm:
    made = button.dialog["form_class"] or BaseDialogForm
    return made(data=request.POST or None, request=request, object_id=object_id)


def _question(button: Any, form: BaseDialogForm) -> dict[str, Any]:
    dialog = button.dialog
    return {"dialog": dialog, "form": form, "form_submit_text": dialog["form_submit_text"]}


def _page(
    model_admin: Any, request: HttpRequest, button: Any, form: BaseDialogForm
) -> HttpResponse:
    """Show the question, with what was typed before the user had to confirm who they are."""
    kept = take_up(request) if request.method == "GET" else None
    form.initial.update(kept or {})
    context = {
        **model_admin.admin_site.each_context(request),
        **_question(button, form),
        "opts": model_admin.opts,
        "title": button.dialog["title"],
        "back": _back(model_admin, form.object_id),
        "was_away": kept is not None,
    }
    return render(request, "admin/dialog_page.html", context)


def _back(model_admin: Any, object_id: Any) -> str:
    """Return the address of the question's row, or of the list."""
    name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    return (
        reverse(f"{name}_change", args=[object_id]) if object_id else reverse(f"{name}_changelist")
    )
