"""The pages that take a bank's file: choose it, look at what's in it, and import it.

Between the two the file waits in the database (`BankUpload`), for whoever chose it alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from billing.bank.files import FORMATS, WrongFileError
from billing.bank.files.lines import Kind, Line, Unreadable
from billing.bank.files.table import LARGEST
from billing.forgetting import forget_uploads
from billing.models import BankAccount, BankFile, BankTransfer, BankUpload
from billing.models.bank import NAME
from billing.zelle import importing
from common.fields import WordsField
from common.money import Money
from common.staff import show
from members.access import current_user
from members.signin.staff_recent import ask_who_is_there

PAGE, LOOK, STORE = (f"admin:billing_bankfile_{name}" for name in ("add_file", "preview", "store"))
SHOWN = 100
TOO_LARGE = "The file is larger than 10 MB. Export fewer months at a time."
GONE = "This preview is over: the file was imported, or an hour has passed. Choose the file again."
NOT_YET = "Nothing was imported yet: first confirm that it's you, then press the button again."
FIRST_NAME = "Checking"
View = Callable[..., HttpResponse]


class FileForm(forms.Form):
    """A file, and the account that it's from."""

    account = forms.ModelChoiceField(
        BankAccount.objects.all(), empty_label=None, widget=UnfoldAdminSelectWidget
    )
    account_name = WordsField(
        label="Name of the account",
        max_length=60,
        initial=FIRST_NAME,
        help_text="Your first one. Such as “Chase checking”.",
    )
    file = forms.FileField(
        label="Account activity",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv,text/plain"}),
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accounts = list(BankAccount.objects.all()[:2])
        if accounts:
            del self.fields["account_name"]
        if len(accounts) < 2:
            del self.fields["account"]
        self.only = accounts[0] if len(accounts) == 1 else None
        self.is_first = not accounts

    def clean_file(self) -> Any:
        """Refuse what's too large before reading it."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(TOO_LARGE)
        return file

    def account_of(self) -> BankAccount:
        """Return the chosen account, or the first one, which isn't saved yet."""
        chosen: BankAccount | None = self.cleaned_data.get("account") or self.only
        return chosen or BankAccount(name=self.cleaned_data["account_name"])


@dataclass(frozen=True)
class Shown:
    """A line as the preview shows it."""

    number: int
    day: str
    amount: str
    what: str


@dataclass(frozen=True)
class Outlook:
    """What importing a file would do. Lists are cut, counts aren't."""

    new: int
    transfers_in: int
    transfers_out: int
    known: int
    pending: list[int]
    other: int
    unreadable: list[Unreadable]
    lines: list[Shown]

    @property
    def more(self) -> int:
        """How many new lines aren't listed."""
        return self.new - len(self.lines)


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the addresses of the three steps."""

    def step(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            if not model_admin.has_import_permission(request):
                raise PermissionDenied
            return view(model_admin, request, **kwargs)

        return model_admin.admin_site.admin_view(guarded)  # type: ignore[no-any-return]

    return [
        path("import/", step(choose), name="billing_bankfile_add_file"),
        path("import/<uuid:upload>/", step(look), name="billing_bankfile_preview"),
        path("import/<uuid:upload>/yes/", step(store), name="billing_bankfile_store"),
    ]


def choose(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Take a file. A script that shows progress gets the next address or the errors as JSON."""
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            upload = _keep(request, form)
        except WrongFileError as error:
            form.add_error("file", str(error))
        else:
            return _gone_to(request, reverse(LOOK, args=[upload.pk]))
    is_wrong = request.method == "POST"
    if is_wrong and _is_script(request):
        said = [str(text) for texts in form.errors.values() for text in texts]
        return JsonResponse({"problem": " ".join(said)}, status=422)
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": "Import a file",
        "content_title": "Import a file",
        "form": form,
        "banks": [(one.NAME, one.EXPECTED) for one in FORMATS],
        "back": show.list_of("billing.bankfile"),
    }
    template = "admin/billing/bank/import.html"
    return TemplateResponse(request, template, context, status=422 if is_wrong else 200)


def look(model_admin: Any, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """Show what importing the file would do."""
    kept = _of(request, upload)
    if kept is None:
        return _over(model_admin, request)
    try:
        outlook = outlook_of(importing.preview(kept.account, bytes(kept.content)), kept.account)
    except WrongFileError as error:
        return _refused(model_admin, request, str(error))
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": f"Import {kept.name}?",
        "content_title": f"Import {kept.name}?",
        "upload": kept,
        "outlook": outlook,
        "unreadable": outlook.unreadable,
        "back": reverse(PAGE),
    }
    return TemplateResponse(request, "admin/billing/bank/preview.html", context)


def store(model_admin: Any, request: HttpRequest, upload: uuid.UUID) -> HttpResponse:
    """Import the file; a second press finds it gone, and the file's lines known."""
    kept = _of(request, upload)
    if kept is None or request.method != "POST":
        return _over(model_admin, request)
    if asked := ask_who_is_there(request, reverse(LOOK, args=[kept.pk])):
        model_admin.message_user(request, NOT_YET, "warning")
        return _gone_to(request, asked["Location"])
    try:
        made = importing.store(kept.account, kept.name, bytes(kept.content), current_user(request))
    except WrongFileError as error:
        return _refused(model_admin, request, str(error))
    kept.delete()
    model_admin.log_addition(request, made, said_of(made))
    model_admin.message_user(request, said_of(made))
    if waiting := BankTransfer.objects.unmatched().count():
        wait = "transfer waits" if waiting == 1 else "transfers wait"
        text = format_html(
            '{} {} to be matched: <a class="text-link" href="{}">Money to match</a>.',
            show.number(waiting),
            wait,
            reverse("admin:billing_allocation_match"),
        )
        model_admin.message_user(request, text, "warning")
    return _gone_to(request, show.page_of(made))


def said_of(made: BankFile) -> str:
    """Say what an import did."""
    known, pending = show.number(made.lines_known), show.number(made.lines_pending)
    return (
        f"{show.count(made.lines_new, 'new line')} imported from {made.name}; {known} known before,"
        f" {pending} pending, {show.number(len(made.unreadable))} unreadable."
    )


def outlook_of(preview: importing.Preview, account: BankAccount) -> Outlook:
    """Return what a preview says, as the page shows it: transfers by Zelle first."""
    kinds = [line.kind for line in preview.new]
    first = sorted(preview.new, key=lambda line: (line.kind == Kind.OTHER, line.number))
    return Outlook(
        new=len(preview.new),
        transfers_in=kinds.count(Kind.ZELLE_IN),
        transfers_out=kinds.count(Kind.ZELLE_OUT),
        known=preview.known,
        pending=preview.pending,
        other=len(preview.other),
        unreadable=preview.unreadable,
        lines=[_shown(line, account.currency) for line in first[:SHOWN]],
    )


def _shown(line: Line, currency: str) -> Shown:
    day = line.posted_on
    return Shown(
        line.number,
        f"{day:%b} {day.day}, {day.year}",
        str(Money(line.amount, currency)),
        f"Zelle: {line.transfer.name}" if line.transfer else line.description,
    )


def _keep(request: HttpRequest, form: FileForm) -> BankUpload:
    """Keep a file that can be read; a first account is made only for one.

    Raises:
        WrongFileError: it isn't account activity.
    """
    account, file = form.account_of(), form.cleaned_data["file"]
    content = file.read()
    importing.read(account, content)
    forget_uploads()
    if form.is_first:
        account, _is_new = BankAccount.objects.get_or_create(name=account.name)
    return BankUpload.objects.create(
        account=account,
        name=str(file.name)[-NAME:],
        content=content,
        created_by=current_user(request),
    )


def _of(request: HttpRequest, upload: uuid.UUID) -> BankUpload | None:
    rows = BankUpload.objects.select_related("account")
    return rows.filter(pk=upload, created_by=current_user(request)).first()


def _is_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def _gone_to(request: HttpRequest, url: str) -> HttpResponse:
    return JsonResponse({"url": url}) if _is_script(request) else redirect(url)


def _over(model_admin: Any, request: HttpRequest) -> HttpResponse:
    return _refused(model_admin, request, GONE)


def _refused(model_admin: Any, request: HttpRequest, sentence: str) -> HttpResponse:
    model_admin.message_user(request, sentence, "error")
    return _gone_to(request, reverse(PAGE))
