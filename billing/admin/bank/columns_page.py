"""The page that names the columns of another bank's file: choose one, check, save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from billing.admin.bank.columns_form import ColumnsForm, SampleForm
from billing.bank.files import mapped
from billing.bank.files.lines import BankFile, Line, WrongFileError
from billing.bank.files.table import rows_of, text_of
from billing.models import BankAccount
from common.money import Money
from common.staff import show
from common.staff.parts import row_or_404

PAGE = "admin:billing_bankaccount_columns"
TEMPLATE = "admin/billing/bank/columns.html"
# A sample must hold what may come before the header, and some lines.
SAMPLE_ROWS, LONGEST_SAMPLE, SHOWN = 60, 40_000, 10


@dataclass(frozen=True)
class Shown:
    """A line as the columns read it."""

    number: int
    day: str
    amount: str
    description: str
    zelle: str
    balance: str


@dataclass(frozen=True)
class Outlook:
    """What the columns make of the sample."""

    lines: list[Shown]
    zelle: int
    problems: list[tuple[int, str]]


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the page's address."""

    def view(request: HttpRequest, object_id: str) -> HttpResponse:
        if not model_admin.has_name_permission(request):
            raise PermissionDenied
        return _Page(model_admin, request, row_or_404(BankAccount, object_id)).answer()

    guarded = model_admin.admin_site.admin_view(view)
    return [path("<path:object_id>/columns/", guarded, name="billing_bankaccount_columns")]


class _Page:
    """One request for the page."""

    def __init__(self, model_admin: Any, request: HttpRequest, account: BankAccount) -> None:
        self.admin, self.request, self.account = model_admin, request, account

    def answer(self) -> HttpResponse:
        """Show the step that the request is at."""
        posted = self.request.POST
        if self.request.method != "POST":
            return self._show(SampleForm())
        if "forget" in posted:
            return self._saved({}, "Its files are read by the bank's own format again.")
        if "sample" in posted:
            return self._checked()
        return self._sampled()

    def _sampled(self) -> HttpResponse:
        """Read the headers of a file, and ask which is what."""
        form = SampleForm(self.request.POST, self.request.FILES)
        if not form.is_valid():
            return self._show(form, status=422)
        try:
            text = text_of(form.cleaned_data["file"].read())
            headers = mapped.headers(rows_of(text))
        except WrongFileError as error:
            form.add_error("file", str(error))
            return self._show(form, status=422)
        kept = {**self.account.mapping, "sample": _beginning(text)}
        fresh = {name: value for name, value in kept.items() if _fits(name, value, headers)}
        return self._show(ColumnsForm(headers, initial=fresh))

    def _checked(self) -> HttpResponse:
        """Show what the chosen columns make of the sample, and save them on yes."""
        try:
            rows = rows_of(self.request.POST["sample"][:LONGEST_SAMPLE])
            form = ColumnsForm(mapped.headers(rows), self.request.POST)
            if not form.is_valid():
                return self._show(form, status=422)
            outlook = outlook_of(mapped.read(rows, form.mapping), self.account.currency)
        except WrongFileError as error:
            messages.error(self.request, str(error))
            return redirect(PAGE, self.account.pk)
        if "save" in self.request.POST and outlook.lines:
            return self._saved(form.as_json, "Saved. Its files are read by these columns now.")
        return self._show(form, outlook)

    def _saved(self, mapping: dict[str, str], said: str) -> HttpResponse:
        self.account.mapping = mapping
        self.account.save(update_fields=["mapping"])
        self.admin.log_change(self.request, self.account, said)
        messages.success(self.request, said)
        return redirect(show.page_of(self.account))

    def _show(
        self, form: forms.Form, outlook: Outlook | None = None, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin.admin_site.each_context(self.request),
            "model_admin": self.admin,
            "title": f"Columns of {self.account}",
            "content_title": f"Columns of {self.account}",
            "account": self.account,
            "form": form,
            "asks_for_file": isinstance(form, SampleForm),
            "outlook": outlook,
            "back": show.page_of(self.account),
        }
        return TemplateResponse(self.request, TEMPLATE, context, status=status)


def outlook_of(said: BankFile, currency: str) -> Outlook:
    """Return what columns make of a sample, as the page shows it."""
    return Outlook(
        lines=[_shown(line, currency) for line in said.lines[:SHOWN]],
        zelle=sum(line.transfer is not None for line in said.lines),
        problems=[(one.number, one.reason) for one in said.unreadable[:SHOWN]],
    )


def _shown(line: Line, currency: str) -> Shown:
    day = line.posted_on
    return Shown(
        line.number,
        f"{day:%b} {day.day}, {day.year}",
        str(Money(line.amount, currency)),
        line.description,
        line.transfer.name if line.transfer else show.NOTHING,
        show.money(line.balance, currency),
    )


def _beginning(text: str) -> str:
    """Return the first lines of a file, whole ones only."""
    kept = "".join(text.splitlines(keepends=True)[:SAMPLE_ROWS])
    if len(kept) <= LONGEST_SAMPLE:
        return kept
    return kept[: kept.rfind("\n", 0, LONGEST_SAMPLE) + 1]


def _fits(name: str, value: str, headers: Sequence[str]) -> bool:
    """Whether what an account had before can be chosen from this file's headers."""
    return name in {"bank", "day_format", "sample"} or value in headers
