"""The member's membership, invoices and payments."""

from __future__ import annotations

import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import checkout, gateway, queries, subscriptions, sync
from billing.forms import CancellationForm
from billing.models import Invoice
from members.access import current_member, current_user
from portal.htmx import wants_fragment

logger = logging.getLogger(__name__)


@login_required
@require_GET
def membership(request: HttpRequest) -> HttpResponse:
    """Show the membership, or the plan to somebody who may buy it."""
    if "canceled" in request.GET:
        messages.info(request, "You left the payment page. Nothing was charged.")
        return redirect("billing:membership")
    member = current_member(request)
    template = "billing/membership.html" + ("#current" if wants_fragment(request) else "")
    current = queries.membership(member)
    context = {
        "membership": current,
        "attention": queries.attention(member, current),
        "offer": queries.offer(member),
    }
    return render(request, template, context)


@login_required
@require_POST
def subscribe(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe Checkout."""
    try:
        url = checkout.start_membership(current_user(request))
    except checkout.AlreadyMember as error:
        messages.info(request, str(error))
    except checkout.CheckoutError as error:
        messages.error(request, str(error))
    else:
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
    context = {"membership": queries.membership(current_member(request))}
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest) -> HttpResponse:
    """Say what will happen and when, ask why, and let the membership end with its period."""
    current = queries.membership(current_member(request))
    if not current.can_cancel:
        return redirect("billing:membership")
    form = CancellationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            subscriptions.cancel(
                current_user(request), form.chosen_reason(), form.cleaned_data["comment"]
            )
        except subscriptions.MembershipError as error:
            messages.error(request, str(error))
        return redirect("billing:membership")
    return render(request, "billing/cancel.html", {"membership": current, "form": form})


@login_required
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Let the membership go on."""
    try:
        subscriptions.resume(current_user(request))
    except subscriptions.MembershipError as error:
        messages.error(request, str(error))
    return redirect("billing:membership")


@login_required
@require_POST
def manage_card(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe's page for changing the card."""
    try:
        return redirect(checkout.card_page(current_user(request)))
    except checkout.CheckoutError as error:
        messages.error(request, str(error))
        return redirect("billing:membership")


@login_required
@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    """List the member's invoices and payments, newest first; `before` is where a page starts."""
    template = "billing/payments.html" + ("#invoices" if wants_fragment(request) else "")
    page = queries.payments_page(current_member(request), before=request.GET.get("before", ""))
    return render(request, template, {"page": page})


@login_required
@require_GET
def invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one invoice of the member's own."""
    found = _own_invoice(request, pk)
    return render(request, "billing/invoice.html", {"invoice": queries.invoice_page(found)})


@login_required
@require_GET
def invoice_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to the invoice's PDF."""
    return _fresh_link(request, pk, "pdf_url")


@login_required
@require_GET
def invoice_hosted(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to Stripe's page of the invoice, where an open one can be paid."""
    return _fresh_link(request, pk, "hosted_url")


def _own_invoice(request: HttpRequest, pk: int) -> Invoice:
    """Return an invoice of the signed-in member; a stranger's does not exist for them."""
    found = queries.invoices_of(current_user(request)).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such invoice.")
    return found


def _fresh_link(request: HttpRequest, pk: int, column: str) -> HttpResponse:
    """Redirect to a link of the invoice's, read from Stripe now because such links go stale."""
    found = _own_invoice(request, pk)
    try:
        found = sync.sync_invoice(found.stripe_id)
    except gateway.StripeError as error:
        logger.warning("An invoice's link could not be renewed, the old one must do: %s", error)
    url: str = getattr(found, column)
    if not url:
        messages.info(request, "There is no such document for this invoice yet.")
        return redirect("billing:invoice", pk=pk)
    return redirect(url)
