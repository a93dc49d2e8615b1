"""The member's payment pages: the list, single payments, and one-time payments."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from billing.core.bank_statuses import ZellePurpose
from billing.core.statuses import Purpose
from billing.core.tones import Tone
from billing.facts import tax_settings, zelle
from billing.membership import checkout
from billing.models import Checkout, ZelleTerms
from billing.pages import (
    payables,
    payment_facts,
    payment_list,
    payment_pages,
    zelle_views,
)
from billing.pages.forms import AmountForm
from billing.pages.outcomes import Outcome
from billing.payments import single_payments
from billing.zelle import expecting
from business import rules
from common import money
from common.htmx import wants_fragment
from common.money import Money, typed_amount
from members.access import current_user


@login_required
@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    """List the member's invoices and payments, newest first; `payment_list.wanted` narrows it.

    `before` is where a page of the whole list starts.
    """
    template = "billing/payments.html" + ("#list" if wants_fragment(request) else "")
    asked = payment_list.wanted(request.GET)
    facts = payment_facts.payments(
        current_user(request),
        before=request.GET.get("before", ""),
        everything=asked.is_filtered,
    )
    context = {
        "page": payment_list.payments_page(facts, asked),
        "takes_amounts": single_payments.takes_amounts(),
    }
    return render(request, template, context)


@login_required
@require_GET
def payment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one of the member's payments. An invoice's payment is on the invoice's page."""
    facts = payment_facts.payment(current_user(request), pk)
    if facts is None:
        raise Http404("There is no such payment.")
    if facts.payment.invoice_id:
        return redirect("billing:invoice", pk=facts.payment.invoice_id)
    return render(request, "billing/payment.html", {"payment": payment_pages.payment_page(facts)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pay_amount(request: HttpRequest) -> HttpResponse:
    """Let the member pay any amount. `amount` and `note` in the address fill in the fields."""
    if not single_payments.takes_amounts():
        raise Http404("No payments of this kind are taken.")
    if "canceled" in request.GET:
        messages.info(request, _("You left the payment page. Nothing was charged."))
        return redirect("billing:pay-amount")
    if request.method != "POST":
        initial = {name: request.GET.get(name, "") for name in ("amount", "note")}
        return _amount_page(request, AmountForm(initial=initial))
    form = AmountForm(request.POST)
    if not form.is_valid():
        return _amount_page(request, form)
    user, cleaned = current_user(request), form.cleaned_data
    if by_zelle(request):
        return zelle_views.started(
            request,
            lambda: expecting.start_amount(user, cleaned["amount"], cleaned["note"]),
            request.path,
        )
    return to_checkout(
        request,
        lambda: single_payments.pay_amount(user, cleaned["amount"], cleaned["note"]),
        request.path,
    )


@login_required
@require_POST
def pay_item(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to pay an item: to Stripe Checkout, or to the page for Zelle."""
    user = current_user(request)
    if by_zelle(request):
        return zelle_views.started(
            request, lambda: expecting.start_item(user, pk), reverse("billing:payments")
        )
    return to_checkout(
        request, lambda: single_payments.pay_item(user, pk), reverse("billing:payments")
    )


@login_required
@require_GET
def payment_result(request: HttpRequest) -> HttpResponse:
    """Say "confirming" until the webhook arrives, then the result. HTMX polls the fragment."""
    user, session_id = current_user(request), request.GET.get("session_id", "")
    came_back = checkout.returned(user, session_id)
    rows = Checkout.objects.for_user(user).exclude(purpose=Purpose.MEMBERSHIP)
    row = rows.filter(session_id=session_id).select_related("payment", "request").first()
    if not came_back.known or row is None:
        return redirect("billing:payments")
    if not came_back.paid:
        messages.info(request, _("The payment wasn’t finished. Nothing was charged."))
        return redirect("billing:payments")
    template = "billing/payment_result.html" + ("#status" if wants_fragment(request) else "")
    return render(request, template, {"result": payables.result_of(row)})


def by_zelle(request: HttpRequest) -> bool:
    """Whether the member pressed the button for Zelle, rather than for a card."""
    return request.POST.get("by") == "zelle"


def to_checkout(request: HttpRequest, start: Callable[[], str], back: str) -> HttpResponse:
    """Send the member to the page that `start` returns, or say why not: at the form, or `back`."""
    try:
        return redirect(start())
    except checkout.AlreadyPaid as error:
        messages.info(request, str(error))
    except checkout.CheckoutError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, back)
    return redirect(back)


def _is_narrower(known: ZelleTerms) -> bool:
    """Whether Zelle takes fewer amounts than a card."""
    least, most = settings.PAYMENT_MINIMUM, settings.PAYMENT_MAXIMUM
    return bool(known.minimum > least or known.maximum < most)


def _amount_page(request: HttpRequest, form: AmountForm) -> HttpResponse:
    """Render the form. `suggestions` are pairs of a label and a field value."""
    code = settings.PAYMENT_CURRENCY.upper()
    suggestions = [
        (Money(amount, code), typed_amount(amount, code)) for amount in rules.suggested_amounts()
    ]
    known = zelle.terms()
    takes_zelle = zelle.takes(ZellePurpose.AMOUNT, currency=code, known=known)
    context = {
        "form": form,
        "suggestions": suggestions,
        "currency": code,
        "symbol": money.symbol(code),
        "bounds": single_payments.bounds(),
        "tax_words": tax_settings.single_words(),
        "takes_zelle": takes_zelle,
        "zelle_bounds": zelle.bounds(known) if _is_narrower(known) else "",
    }
    if wants_fragment(request):
        # What's wrong is said at its field, so the whole form is replaced.
        answer = render(request, "billing/pay_amount.html#paying", context)
        return reswap(retarget(answer, "#paying"), "outerHTML")
    return render(request, "billing/pay_amount.html", context)
