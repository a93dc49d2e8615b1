"""The page that sets aside all money from before a day, after a first file with years of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextInputWidget

from billing.admin.bank import match_page
from billing.admin.bank.transfer_page import on_day
from billing.models import BankTransfer
from billing.zelle.checks import AllocationError
from billing.zelle.setting_aside import older_than, set_aside_older
from common.fields import WordsField
from common.money import Money
from common.staff import show
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

PAGE = "admin:billing_allocation_older"
USUAL = "From before we took payments by Zelle here."


class OlderForm(forms.Form):
    """The first day that counts, and why what's older doesn't."""

    day = forms.DateField(
        label="Everything from before",
        widget=UnfoldAdminDateWidget,
        help_text="Money of this day and later stays to be matched.",
        error_messages={"required": "Choose a day."},
    )
    because = WordsField(
        label="Why",
        max_length=300,
        initial=USUAL,
        widget=UnfoldAdminTextInputWidget,
        help_text="For your team: it stays in the history.",
    )


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the page's address."""

    def view(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_match_permission(request):
            raise PermissionDenied
        return _answer(model_admin, request)

    guarded = model_admin.admin_site.admin_view(view)
    return [path("older/", guarded, name="billing_allocation_older")]


def _answer(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask for the day, say what it comes to, and set it aside on yes."""
    form = OlderForm(request.POST or None)
    is_complete = request.method == "POST" and form.is_valid()
    if is_complete and "yes" in request.POST:
        return _set_aside(model_admin, request, form.cleaned_data)
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": "Set older money aside",
        "content_title": "Set older money aside",
        "form": form,
        "outlook": outlook_of(form.cleaned_data["day"]) if is_complete else None,
        "back": reverse(match_page.PAGE),
    }
    status = 422 if request.method == "POST" and not is_complete else 200
    return TemplateResponse(request, "admin/billing/bank/older.html", context, status=status)


def outlook_of(day: Any) -> dict[str, Any]:
    """Return how many transfers it would be, and how much."""
    rows = BankTransfer.objects.filter(pk__in=older_than(day).order_by().values("pk"))
    sums = rows.aggregate(count=Count("pk"), amount=Sum("amount", default=0))
    count = sums["count"]
    if not count:
        return {"count": 0, "says": f"No unmatched money came before {on_day(day)}."}
    money = Money(sums["amount"], "usd")
    verb = "is" if count == 1 else "are"
    return {
        "count": count,
        "says": (
            f"{show.count(count, 'transfer')} of {money} in all, from before {on_day(day)},"
            f" {verb} set aside then."
        ),
    }


def _set_aside(model_admin: Any, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
    if asked := ask_who_is_there(request, reverse(PAGE)):
        messages.warning(request, match_page.NOT_YET)
        return asked
    try:
        count = set_aside_older(values["day"], current_user(request), values["because"])
    except (AllocationError, PermissionDenied) as error:
        messages.error(request, str(error))
        return redirect(PAGE)
    newest = BankTransfer.objects.filter(on__lt=values["day"]).order_by("-on", "-pk").first()
    said = f"{show.count(count, 'transfer')} from before {on_day(values['day'])} set aside"
    if newest and count:
        # The log is about rows, so it's kept with the newest of them.
        model_admin.log_change(request, newest, f"{said}: {values['because']}")
    messages.success(request, f"{said}. Each can be brought back on its page.")
    return redirect(match_page.PAGE)
