"""The member's saved payment methods, and paying a failed invoice with one of them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.core.statuses import Collection, InvoiceStatus
from billing.core.tones import Tone
from billing.facts import payers
from billing.membership import payment_methods
from billing.membership.payment_methods import MethodError, MustConfirm
from billing.models import Invoice, PaymentMethod
from billing.pages import card_lines
from billing.pages.outcomes import Outcome
from billing.pages.payment_lines import invoices_of
from common.htmx import wants_fragment
from members.access import current_user


@login_required
@require_GET
def cards(request: HttpRequest) -> HttpResponse:
    """List the saved payment methods: which one pays, which is the default."""
    return _page(request)


def _page(request: HttpRequest, outcome: Outcome | None = None) -> HttpResponse:
    """Render the page, or the list that HTMX asks for, with what's true now."""
    user = current_user(request)
    payer = payers.living(user)
    rows = payment_methods.charged(user)
    context = {
        "lines": card_lines.lines(
            list(PaymentMethod.objects.for_user(user).select_related("customer")),
            rows,
            payment_methods.in_use(rows, payment_methods.under_way(user)),
            payer.pk if payer else None,
            timezone.localdate(),
        ),
        "outcome": outcome,
    }
    template = "billing/cards.html" + ("#saved" if wants_fragment(request) else "")
    return render(request, template, context)


@login_required
@require_POST
def add_card(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe's page to save a payment method."""
    try:
        return redirect(payment_methods.start_adding(current_user(request)))
    except MethodError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, "billing:cards")


@login_required
@require_GET
def card_added(request: HttpRequest) -> HttpResponse:
    """Say what's true after the member came back from saving a payment method."""
    user, session_id = current_user(request), request.GET.get("session_id", "")
    try:
        added = payment_methods.finish_adding(user, session_id, request) if session_id else None
    except MustConfirm as error:
        messages.info(request, str(error))
        return redirect("home")
    except MethodError as error:
        messages.error(request, str(error))
        return redirect("billing:cards")
    if added is None:
        messages.info(request, _("No card was saved. Nothing changed."))
        return redirect("billing:cards")
    card = payment_methods.name(added.method)
    if added.paid:
        told = _("Payment received: %(amount)s. %(card)s also pays from now on.")
        return _after_paying(request, added.paid, told, card)
    if added.is_default:
        told = _("%(card)s is saved, and it’s your default now.") % {"card": card}
    else:
        told = _("%(card)s is saved. Make it your default to pay with it.") % {"card": card}
    messages.success(request, told)
    return redirect("billing:cards")


@login_required
@require_POST
def make_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Let one of the member's payment methods pay from now on."""
    method = _own(request, pk)
    try:
        payment_methods.make_default(current_user(request), method, request)
    except MethodError as error:
        return _done(request, str(error), Tone.BAD)
    card = payment_methods.name(method)
    return _done(request, _("Your next charges go to %(card)s.") % {"card": card})


def _done(request: HttpRequest, told: str, tone: Tone = Tone.GOOD) -> HttpResponse:
    """Say what's true now: in the list that changed, or after a redirect."""
    outcome = Outcome(tone, told)
    if wants_fragment(request):
        return _page(request, outcome)
    outcome.leave_for(request)
    return redirect("billing:cards")


@login_required
@require_POST
def remove_card(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of the member's payment methods."""
    method = _own(request, pk)
    try:
        payment_methods.remove(current_user(request), method, request)
    except MethodError as error:
        return _done(request, str(error), Tone.BAD)
    card = payment_methods.name(method)
    return _done(request, _("%(card)s is removed.") % {"card": card})


@login_required
@require_POST
def pay_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Charge the same card for an invoice once more."""
    invoice = _own_invoice(request, pk)
    if not payment_methods.is_to_pay(invoice):
        return _after_paying(request, invoice)
    try:
        paid = payment_methods.pay_again(invoice)
    except MustConfirm as error:
        messages.info(request, str(error))
        return redirect("billing:invoice-hosted", pk=invoice.pk)
    except MethodError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, "home")
    row = invoice.subscription
    told = _("Payment received: %(amount)s with %(card)s.")
    return _after_paying(request, paid, told, payment_methods.name(row) if row else "")


@login_required
@require_POST
def pay_with_another(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the member save another card, which then pays an invoice and what comes."""
    invoice = _own_invoice(request, pk)
    if not payment_methods.is_to_pay(invoice):
        return _after_paying(request, invoice)
    try:
        return redirect(payment_methods.start_adding(current_user(request), invoice))
    except MethodError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, "home")


def _after_paying(
    request: HttpRequest, invoice: Invoice, received: str = "", card: str = ""
) -> HttpResponse:
    """Say what became of an invoice, and go home. `received` is for one that was just paid."""
    if invoice.status == InvoiceStatus.PAID and received:
        messages.success(request, received % {"amount": invoice.money_due, "card": card})
    elif invoice.status == InvoiceStatus.PAID:
        messages.info(request, _("This is paid. There’s nothing else to do."))
    elif invoice.collection == Collection.PROCESSING:
        messages.info(request, _("Your bank is processing the payment. We’ll email you about it."))
    else:
        messages.info(request, _("This invoice can’t be paid right now. Nothing was charged."))
    return redirect("home")


def _own(request: HttpRequest, pk: int) -> PaymentMethod:
    """Return one of the member's payment methods. Others don't exist for them."""
    saved = PaymentMethod.objects.for_user(current_user(request)).select_related("customer")
    own = saved.filter(pk=pk).first()
    if own is None:
        raise Http404("There is no such payment method.")
    return own


def _own_invoice(request: HttpRequest, pk: int) -> Invoice:
    """Return one of the member's invoices. Others and drafts don't exist for them."""
    rows = invoices_of(current_user(request)).select_related("customer")
    own = rows.filter(pk=pk).first()
    if own is None:
        raise Http404("There is no such invoice.")
    return own
