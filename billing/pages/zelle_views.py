"""The page of a payment by Zelle, and the buttons that start, report, and cancel one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.core.tones import Tone
from billing.facts import zelle
from billing.models import ExpectedTransfer, ZelleTerms
from billing.pages import zelle_pages, zelle_receipts
from billing.pages.forms import SentForm
from billing.pages.outcomes import Outcome
from billing.zelle import expecting
from common import documents
from common.htmx import wants_fragment
from members import terms
from members.access import current_user
from members.models import AgreedWhere

# Images that can't hold scripts.
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
NOTHING_NEW = 204


@login_required
@require_GET
def payment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how to pay, and where the payment stands. HTMX asks whether that has changed."""
    row = _own(request, pk)
    page = zelle_pages.zelle_page(row, zelle.terms())
    if wants_fragment(request) and request.GET.get("seen") == page.mark:
        # What the member is typing stays.
        return HttpResponse(status=NOTHING_NEW)
    form = SentForm(initial={"payer_name": zelle_pages.name_of_payer(row)})
    return _page(request, page, form)


@login_required
@require_GET
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """Download the receipt of one of the member's payments."""
    row = zelle_receipts.of(current_user(request), pk)
    if row is None:
        raise Http404("There is no such receipt.")
    now = timezone.localtime()
    document = documents.render("receipt", zelle_receipts.as_document(row, now), made_at=now)
    return documents.download(document, f"receipt-{zelle.shown(row)}.pdf")


@login_required
@require_POST
def sent(request: HttpRequest, pk: int) -> HttpResponse:
    """Note that the member has sent it, or hasn't after all."""
    row, user = _own(request, pk), current_user(request)
    if "not_sent" in request.POST:
        told = _("We won’t look for it until you tell us you’ve sent it.")
        return _back_to(request, lambda: expecting.say_not_sent(user, pk), pk, told)
    form = SentForm(request.POST)
    if not form.is_valid():
        return _page(request, zelle_pages.zelle_page(row, zelle.terms()), form)
    name = form.cleaned_data["payer_name"]
    told = _("Thank you. We’ll email you when it arrives.")
    return _back_to(request, lambda: expecting.say_sent(user, pk, name), pk, told)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a payment that wasn't sent."""
    _own(request, pk)
    user = current_user(request)
    told = _("This payment is canceled.")
    return _back_to(request, lambda: expecting.cancel(user, pk), pk, told)


@login_required
@require_POST
def pay_membership(request: HttpRequest) -> HttpResponse:
    """Start a membership that's paid by Zelle."""
    user, price = current_user(request), request.POST.get("price", "")
    answer = started(
        request, lambda: expecting.start_membership(user, price), reverse("billing:membership")
    )
    if answer.status_code == 302 and "/zelle/" in answer["Location"]:
        terms.accept(user, AgreedWhere.JOIN, get_adapter().get_client_ip(request))
    return answer


@login_required
@require_POST
def pay_invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Start to pay an open invoice by Zelle."""
    user = current_user(request)
    return started(
        request,
        lambda: expecting.start_invoice(user, pk),
        reverse("billing:invoice", args=[pk]),
    )


@login_required
@require_GET
def code(request: HttpRequest) -> HttpResponse:
    """Return the QR image that staff uploaded. Its address changes with it."""
    row = ZelleTerms.objects.first()
    if row is None or not row.code or row.code_type not in IMAGES:
        raise Http404("There is no QR code.")
    content = bytes(row.code)
    response = HttpResponse(content, content_type=row.code_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    response["Cache-Control"] = "private, max-age=3600"
    response["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return response


def started(request: HttpRequest, start: Callable[[], ExpectedTransfer], back: str) -> HttpResponse:
    """Send the member to the page of what `start` returns, or say at the form or `back` why not."""
    try:
        return redirect("billing:zelle", pk=start().pk)
    except expecting.ZelleError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, back)


def _back_to(
    request: HttpRequest, act: Callable[[], ExpectedTransfer], pk: int, told: str
) -> HttpResponse:
    """Act, and show the payment with what's true now: in its place (HTMX), or as a page."""
    outcome = Outcome(Tone.GOOD, told)
    try:
        act()
    except expecting.ZelleError as error:
        outcome = Outcome(Tone.INFO, str(error))
    if not wants_fragment(request):
        outcome.leave_for(request)
        return redirect("billing:zelle", pk=pk)
    row = _own(request, pk)
    form = SentForm(initial={"payer_name": zelle_pages.name_of_payer(row)})
    return _page(request, zelle_pages.zelle_page(row, zelle.terms()), form, outcome)


def _own(request: HttpRequest, pk: int) -> ExpectedTransfer:
    """Return one of the signed-in member's payments. Others don't exist for them."""
    rows = ExpectedTransfer.objects.for_user(current_user(request))
    row = rows.select_related("user", "request", "invoice").filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such payment.")
    return row


def _page(
    request: HttpRequest,
    page: zelle_pages.ZellePage,
    form: SentForm,
    outcome: Outcome | None = None,
) -> HttpResponse:
    template = "billing/zelle.html" + ("#payment" if wants_fragment(request) else "")
    return render(request, template, {"payment": page, "form": form, "outcome": outcome})
