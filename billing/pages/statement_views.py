"""Records to keep: all payments as a spreadsheet, and yearly statements."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from billing.facts import statements
from common import documents, spreadsheets
from members.access import current_user

# Nobody paid us before the first; the year after the last must still be a date.
FIRST_YEAR, LAST_YEAR = 2000, 9998


@login_required
@require_GET
def payments_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Stream the member's payments as a CSV file."""
    rows = statements.rows_of(current_user(request))
    filename = f"payments-{timezone.localdate():%Y-%m-%d}.csv"
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


def _own(request: HttpRequest, year: int) -> statements.Statement:
    """Return the signed-in member's statement. A year without payments has none."""
    is_year = FIRST_YEAR <= year <= LAST_YEAR
    yearly = statements.statement_of(current_user(request), year) if is_year else None
    if yearly is None:
        raise Http404("There are no payments in this year.")
    return yearly
