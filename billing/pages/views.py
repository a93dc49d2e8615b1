"""The member's pages: membership, invoices, and payments."""

from __future__ import annotations

import logging
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.core import texts
from billing.core.statuses import Purpose
from billing.facts import pay_links, tax_settings
from billing.membership import cancellation, cards, checkout, retention, switching
from billing.models import Checkout, CreditNote, Invoice, Payment, PaymentRequest
from billing.pages import (
    alerts,
    member_facts,
    membership_status,
    payables,
    payment_facts,
    payment_lines,
    payment_pages,
)
from billing.pages.forms import AmountForm, CancellationForm
from billing.payments import single_payments
from billing.stripe import failures, gateway
from billing.sync import refresh
from common.htmx import wants_fragment
from common.money import SYMBOLS, Money, plain_amount
from members import terms
from members.access import current_user
from members.models import AgreedWhere

logger = logging.getLogger(__name__)

# Primary keys are numbers of 64 bits.
LONGEST_KEY = 19


@login_required
@require_GET
def membership(request: HttpRequest) -> HttpResponse:
    """Show the membership, or the plan to someone who can buy it."""
    if "canceled" in request.GET:
        messages.info(request, "You left the payment page. Nothing was charged.")
        return redirect("billing:membership")
    template = "billing/membership.html" + ("#current" if wants_fragment(request) else "")
    facts = member_facts.membership(current_user(request))
    current = membership_status.membership(facts)
    offer = None if current.is_member else facts.offer
    context = {
        "membership": current,
        "alerts": alerts.for_member(facts, current),
        "offer": offer,
        "changed_price": membership_status.changed_price(current, offer),
        "left_open": alerts.left_open(facts),
        "switches": membership_status.switches(facts, current),
    }
    return render(request, template, context)


@login_required
@require_POST
def subscribe(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe Checkout."""
    user = current_user(request)
    try:
        url = checkout.start_membership(
            user, request.POST.get("price", ""), expects_trial="trial" in request.POST
        )
    except (checkout.AlreadyMember, checkout.TrialGone) as error:
        messages.info(request, str(error))
    except checkout.CheckoutError as error:
        messages.error(request, str(error))
    else:
        terms.accept(user, AgreedWhere.JOIN, get_adapter().get_client_ip(request))
        return redirect(url)
    return redirect("billing:membership")


@login_required
@require_GET
def checkout_return(request: HttpRequest) -> HttpResponse:
    """Say "confirming" until the webhook has arrived, then "active". HTMX polls the fragment."""
    session_id = request.GET.get("session_id", "")
    came_back = checkout.returned(current_user(request), session_id)
    if not came_back.known:
        return redirect("billing:membership")
    if not came_back.paid:
        messages.info(request, "The payment was not finished. Nothing was charged.")
        return redirect("billing:membership")
    template = "billing/checkout_return.html" + ("#status" if wants_fragment(request) else "")
    context = {
        "membership": membership_status.membership(member_facts.membership(current_user(request)))
    }
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest) -> HttpResponse:
    """Say what will happen and when, ask why, and cancel the membership with its period."""
    current = membership_status.membership(member_facts.membership(current_user(request)))
    if not current.can_cancel:
        return redirect("billing:membership")
    form = CancellationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            cancellation.cancel(
                current_user(request), form.chosen_reason(), form.cleaned_data["comment"]
            )
        except cancellation.MembershipError as error:
            messages.error(request, str(error))
        return redirect("billing:membership")
    return _cancel_page(request, current, form)


@login_required
@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """Let the member stay with the cancel page's discount."""
    current = membership_status.membership(member_facts.membership(current_user(request)))
    form = CancellationForm(request.POST)
    if not form.is_valid():
        return _cancel_page(request, current, form)
    try:
        retention.accept(current_user(request), form.chosen_reason(), form.cleaned_data["comment"])
    except cancellation.MembershipError as error:
        messages.error(request, str(error))
    return redirect("billing:membership")


@login_required
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Let the membership continue."""
    try:
        cancellation.resume(current_user(request))
    except cancellation.MembershipError as error:
        messages.error(request, str(error))
    return redirect("billing:membership")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what another price would cost today, and switch to it as shown."""
    user = current_user(request)
    row = cancellation.live_subscription(user)
    choice = (
        next((one for one in switching.choices(row) if one.plan.pk == pk), None) if row else None
    )
    if row is None or choice is None:
        messages.info(request, "There is nothing to switch to.")
        return redirect("billing:membership")
    try:
        if request.method == "POST":
            switching.switch(user, choice, request.POST.get("shown", ""))
            if cancellation.pending_decision(user) is None:
                told = f"You now pay {choice.rhythm}: {choice.price} a {choice.interval}."
                messages.success(request, told)
            return redirect("billing:membership")
        preview = switching.preview(row, choice)
    except switching.LookAgain as error:
        messages.info(request, str(error))
        return redirect(request.path)
    except cancellation.MembershipError as error:
        messages.error(request, str(error))
        return redirect("billing:membership")
    return render(request, "billing/switch.html", {"preview": preview})


@login_required
@require_POST
def manage_card(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe's page for changing the card."""
    subscription_pk = _number(request.POST.get("subscription", ""))
    try:
        return redirect(checkout.card_page(current_user(request), subscription_pk))
    except checkout.CheckoutError as error:
        messages.error(request, str(error))
        return redirect("billing:membership")


@login_required
@require_POST
def use_card(request: HttpRequest, pk: int) -> HttpResponse:
    """Use the card of one of the member's own payments for future charges too."""
    user = current_user(request)
    found = Payment.objects.for_user(user).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such payment.")
    try:
        cards.use_for_next_charges(user, found)
    except cancellation.MembershipError as error:
        messages.error(request, str(error))
    else:
        card = texts.card(found.card_brand, found.card_last4)
        messages.success(request, f"Your next charges go to {card}.")
    return redirect("billing:membership")


@login_required
@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    """List the member's invoices and payments, newest first; `before` is a page's start."""
    template = "billing/payments.html" + ("#invoices" if wants_fragment(request) else "")
    facts = payment_facts.payments(
        current_user(request),
        before=request.GET.get("before", ""),
        other_before=request.GET.get("other_before", ""),
    )
    context = {
        "page": payment_pages.payments_page(facts),
        "takes_amounts": single_payments.takes_amounts(),
    }
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pay_amount(request: HttpRequest) -> HttpResponse:
    """Let the member pay an amount of their choice; `amount` in the address fills the field."""
    if not single_payments.takes_amounts():
        raise Http404("No payments of this kind are taken.")
    if "canceled" in request.GET:
        messages.info(request, "You left the payment page. Nothing was charged.")
        return redirect("billing:pay-amount")
    if request.method != "POST":
        return _amount_page(request, AmountForm(initial={"amount": request.GET.get("amount", "")}))
    form = AmountForm(request.POST)
    if not form.is_valid():
        return _amount_page(request, form)
    user, cleaned = current_user(request), form.cleaned_data
    return _to_checkout(
        request,
        lambda: single_payments.pay_amount(user, cleaned["amount"], cleaned["note"]),
        request.path,
    )


@login_required
@require_POST
def pay_item(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to Stripe Checkout to pay an item."""
    user = current_user(request)
    return _to_checkout(
        request, lambda: single_payments.pay_item(user, pk), reverse("billing:payments")
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """Show a payment request to its member, and send them to Stripe Checkout on POST."""
    user, pk = current_user(request), pay_links.request_id(token)
    found = PaymentRequest.objects.for_user(user).filter(pk=pk).first() if pk else None
    if found is None:
        raise Http404("There is no such payment request.")
    if request.method == "POST":
        pk = found.pk
        return _to_checkout(request, lambda: single_payments.pay_request(user, pk), request.path)
    if "canceled" in request.GET:
        messages.info(request, "You left the payment page. Nothing was charged.")
        return redirect(request.path)
    context = {
        "asked": found,
        "refusal": single_payments.why_not_payable(found),
        "tax_words": tax_settings.single_words(),
        "adds_tax": tax_settings.adds_to_single(),
    }
    return render(request, "billing/pay.html", context)


@login_required
@require_GET
def payment_result(request: HttpRequest) -> HttpResponse:
    """Say "confirming" until the webhook has arrived, then how it went. HTMX polls the fragment."""
    user, session_id = current_user(request), request.GET.get("session_id", "")
    came_back = checkout.returned(user, session_id)
    rows = Checkout.objects.for_user(user).exclude(purpose=Purpose.MEMBERSHIP)
    found = rows.filter(session_id=session_id).select_related("payment", "request").first()
    if not came_back.known or found is None:
        return redirect("billing:payments")
    if not came_back.paid:
        messages.info(request, "The payment was not finished. Nothing was charged.")
        return redirect("billing:payments")
    template = "billing/payment_result.html" + ("#status" if wants_fragment(request) else "")
    return render(request, template, {"result": payables.result_of(found)})


@login_required
@require_GET
def payment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one of the member's own payments; an invoice's is shown with its invoice."""
    facts = payment_facts.payment(current_user(request), pk)
    if facts is None:
        raise Http404("There is no such payment.")
    if facts.payment.invoice_id:
        return redirect("billing:invoice", pk=facts.payment.invoice_id)
    return render(request, "billing/payment.html", {"payment": payment_pages.payment_page(facts)})


@login_required
@require_GET
def invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one invoice of the member's own; a stranger's does not exist for them."""
    facts = payment_facts.invoice(current_user(request), pk)
    if facts is None:
        raise Http404("There is no such invoice.")
    return render(request, "billing/invoice.html", {"invoice": payment_pages.invoice_page(facts)})


@login_required
@require_GET
def invoice_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to the invoice's PDF."""
    return _fresh_link(request, _own_invoice(request, pk), refresh.sync_invoice, "pdf_url")


@login_required
@require_GET
def invoice_hosted(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to Stripe's page for the invoice, where an open one can be paid."""
    return _fresh_link(request, _own_invoice(request, pk), refresh.sync_invoice, "hosted_url")


@login_required
@require_GET
def credit_note_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to the PDF of one of their own credit notes."""
    rows = CreditNote.objects.for_user(current_user(request)).select_related("invoice")
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such credit note.")
    return _fresh_link(request, found, refresh.sync_credit_note, "pdf_url")


def _number(text: str) -> int | None:
    """Return a primary key from a form, or None if it isn't one."""
    is_number = text.isascii() and text.isdecimal() and len(text) < LONGEST_KEY
    return int(text) if is_number else None


def _cancel_page(
    request: HttpRequest, current: membership_status.Membership, form: CancellationForm
) -> HttpResponse:
    """Render the cancel page, with the offer for staying."""
    user = current_user(request)
    offer = retention.offer_for(user)
    if offer:
        retention.shown(offer, user)
    context = {"membership": current, "form": form, "offer": offer}
    return render(request, "billing/cancel.html", context)


def _to_checkout(request: HttpRequest, start: Callable[[], str], back: str) -> HttpResponse:
    """Send the member to the page that `start` returns, or back with a sentence."""
    try:
        return redirect(start())
    except checkout.AlreadyPaid as error:
        messages.info(request, str(error))
    except checkout.CheckoutError as error:
        messages.error(request, str(error))
    return redirect(back)


def _amount_page(request: HttpRequest, form: AmountForm) -> HttpResponse:
    """Render the form. `suggestions` are pairs of labels and field values."""
    code = settings.PAYMENT_CURRENCY.upper()
    suggestions = [
        (Money(amount, code), plain_amount(amount, code)) for amount in settings.PAYMENT_SUGGESTIONS
    ]
    context = {
        "form": form,
        "suggestions": suggestions,
        "currency": code,
        "symbol": SYMBOLS.get(code, ""),
        "bounds": single_payments.bounds(),
        "tax_words": tax_settings.single_words(),
    }
    return render(request, "billing/pay_amount.html", context)


def _own_invoice(request: HttpRequest, pk: int) -> Invoice:
    """Return an invoice of the signed-in member; others don't exist for them."""
    found = payment_lines.invoices_of(current_user(request)).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such invoice.")
    return found


def _fresh_link(
    request: HttpRequest,
    found: Invoice | CreditNote,
    read_again: Callable[[str], Invoice | CreditNote],
    column: str,
) -> HttpResponse:
    """Redirect to a document's link, read from Stripe now because such links expire.

    The caller has made sure that the document is the member's own.
    """
    try:
        found = read_again(found.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A document's link could not be renewed, the old one must do")
    url: str = getattr(found, column)
    if not url:
        messages.info(request, "There is no such document for this invoice yet.")
        invoice_pk = found.invoice_id if isinstance(found, CreditNote) else found.pk
        return redirect("billing:invoice", pk=invoice_pk)
    return redirect(url)
