"""Records to keep: receipts, all payments as a spreadsheet, and yearly statements."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.core.tones import Tone
from billing.facts import statements
from billing.models import Payment
from billing.pages import receipts
from billing.pages.outcomes import Outcome
from billing.pages.payment_lines import payment_url
from common import documents, spreadsheets
from members.access import current_user

# Nobody paid us before the first; the year after the last must still be a date.
FIRST_YEAR, LAST_YEAR = 2000, 9998


@login_required
@require_GET
def payments_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the member's payments as a CSV file."""
    rows = statements.rows_of(current_user(request))
    filename = f"payments-{timezone.localdate():%Y-%m-%d}"
    return spreadsheets.download(statements.COLUMNS, rows, filename)


@login_required
@require_GET
def statement(request: HttpRequest, year: int) -> HttpResponse:
    """Show a year of the member's payments, to read or print."""
    return render(request, "billing/statement.html", {"statement": _own(request, year)})


@login_required
@require_GET
def statement_pdf(request: HttpRequest, year: int) -> HttpResponse:
    """Download that year as a PDF."""
    now = timezone.localtime()
    document = documents.render("statement", _own(request, year).as_document(now), made_at=now)
    return documents.download(document, f"statement-{year}.pdf")


@login_required
@require_GET
def statement_zip(request: HttpRequest, year: int) -> HttpResponse:
    """Download a year as a ZIP: its statement, its payments as CSV, and each receipt."""
    packed = None
    if FIRST_YEAR <= year <= LAST_YEAR:
        packed = receipts.year_as_zip(current_user(request), year)
    if packed is None:
        raise Http404("There are no payments in this year.")
    return documents.download(packed, f"payments-{year}.zip", "application/zip")


@login_required
@require_GET
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """Download the receipt of one of the member's payments."""
    row, whose = _own_payment(request, pk), receipts.payer(current_user(request))
    document = receipts.pdf(row, whose, timezone.localtime())
    return documents.download(document, f"receipt-{receipts.number(row)}.pdf")


@login_required
@require_POST
def email_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """Email that receipt to the member."""
    row, user = _own_payment(request, pk), current_user(request)
    receipts.send(user, row)
    told = _("We’ve emailed your receipt to %(address)s.") % {"address": user.email}
    return Outcome(Tone.GOOD, told).answer(request, payment_url(row))


def _own_payment(request: HttpRequest, pk: int) -> Payment:
    """Return one of the signed-in member's payments that arrived."""
    row = receipts.of(current_user(request), pk)
    if row is None:
        raise Http404("There is no such receipt.")
    return row


def _own(request: HttpRequest, year: int) -> statements.Statement:
    """Return the signed-in member's statement. A year without payments has none."""
    is_year = FIRST_YEAR <= year <= LAST_YEAR
    yearly = statements.statement_of(current_user(request), year) if is_year else None
    if yearly is None:
        raise Http404("There are no payments in this year.")
    return yearly
