"""The member's invoices and credit notes: the page, and links to documents at Stripe."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing.models import CreditNote, Invoice
from billing.pages import (
    payment_facts,
    payment_lines,
    payment_pages,
)
from billing.stripe import failures, gateway
from billing.sync import refresh
from members.access import current_user

logger = logging.getLogger(__name__)


@login_required
@require_GET
def invoice(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one of the member's own invoices. Others don't exist for them."""
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
    """Send the member to the invoice's page at Stripe, where they can pay an open one."""
    return _fresh_link(request, _own_invoice(request, pk), refresh.sync_invoice, "hosted_url")


@login_required
@require_GET
def credit_note_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the member to the PDF of one of their credit notes."""
    rows = CreditNote.objects.for_user(current_user(request)).select_related("invoice")
    note = rows.filter(pk=pk).first()
    if note is None:
        raise Http404("There is no such credit note.")
    return _fresh_link(request, note, refresh.sync_credit_note, "pdf_url")


def _own_invoice(request: HttpRequest, pk: int) -> Invoice:
    """Return one of the signed-in member's invoices. Others don't exist for them."""
    own = payment_lines.invoices_of(current_user(request)).filter(pk=pk).first()
    if own is None:
        raise Http404("There is no such invoice.")
    return own


def _fresh_link(
    request: HttpRequest,
    document: Invoice | CreditNote,
    read_again: Callable[[str], Invoice | CreditNote],
    column: str,
) -> HttpResponse:
    """Redirect to a document. Its link expires, so get a fresh one from Stripe.

    The caller makes sure that the document is the member's own.
    """
    try:
        document = read_again(document.stripe_id)
    except gateway.StripeError as error:
        failures.note(logger, error, "A document's link could not be renewed, the old one must do")
    url: str = getattr(document, column)
    if not url:
        messages.info(request, _("This document isn’t available yet."))
        invoice_pk = document.invoice_id if isinstance(document, CreditNote) else document.pk
        return redirect("billing:invoice", pk=invoice_pk)
    return redirect(url)
