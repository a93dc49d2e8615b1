"""The member's billing details: who invoices name, their address, and tax IDs."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from billing.core.tones import Tone
from billing.facts import payers
from billing.membership import billing_details
from billing.membership.billing_details import DetailsRefused
from billing.models import Customer
from billing.pages import tax_id_lines
from billing.pages.details_forms import DetailsForm, TaxIdForm
from billing.pages.outcomes import Outcome
from common.htmx import wants_fragment
from members.access import current_user

LONGEST = 100
# The parts of the page that HTMX swaps.
WHO, TAX_IDS = "who", "tax-ids"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest) -> HttpResponse:
    """Show the billing details, and on POST change name and address."""
    user = current_user(request)
    customer = payers.living(user)
    if request.method != "POST":
        return _page(request, customer)
    form = DetailsForm(user, customer, request.POST)
    if not form.is_valid():
        return _page(request, customer, WHO, form=form)
    try:
        billing_details.save(user, form.details())
    except DetailsRefused as error:
        form.add_error(error.field or None, str(error))
        return _page(request, customer, WHO, form=form)
    told = _("Your billing details are saved. They’re on your next invoice.")
    return _done(request, WHO, told)


@login_required
@require_POST
def add_tax_id(request: HttpRequest) -> HttpResponse:
    """Add a tax ID (POST `kind`, `value`, `key`); errors show on the page."""
    user = current_user(request)
    customer = payers.living(user)
    form = TaxIdForm(customer, request.POST)
    if not form.is_valid():
        return _page(request, customer, TAX_IDS, adding=form)
    given = form.cleaned_data
    try:
        billing_details.add_tax_id(user, given["kind"], given["value"], str(given["key"]))
    except DetailsRefused as error:
        form.add_error(error.field or None, str(error))
        return _page(request, customer, TAX_IDS, adding=form)
    return _done(request, TAX_IDS, _("Your tax ID is saved. It’s on your next invoice."))


@login_required
@require_POST
def remove_tax_id(request: HttpRequest) -> HttpResponse:
    """Remove a tax ID (POST `kind`, `value`)."""
    kind, value = (request.POST.get(name, "")[:LONGEST] for name in ("kind", "value"))
    try:
        billing_details.remove_tax_id(current_user(request), kind, value)
    except DetailsRefused as error:
        return _done(request, TAX_IDS, str(error), Tone.BAD)
    told = _("The tax ID is removed. It’s not on your next invoice.")
    return _done(request, TAX_IDS, told)


def _done(request: HttpRequest, part: str, told: str, tone: Tone = Tone.GOOD) -> HttpResponse:
    """Say what's true now: in the part of the page that changed, or after a redirect."""
    outcome = Outcome(tone, told)
    if wants_fragment(request):
        return _page(request, payers.living(current_user(request)), part, outcome=outcome)
    outcome.leave_for(request)
    return redirect("billing:details")


def _page(
    request: HttpRequest,
    customer: Customer | None,
    part: str = "",
    *,
    form: DetailsForm | None = None,
    adding: TaxIdForm | None = None,
    outcome: Outcome | None = None,
) -> HttpResponse:
    """Render the page, or the part that HTMX asks for. A whole page with a refused form is a 400.

    HTMX swaps nothing that comes with an error's status.
    """
    is_part = bool(part) and wants_fragment(request)
    ids = customer.tax_ids if customer else []
    context = {
        "form": form or DetailsForm(current_user(request), customer),
        "adding": adding or TaxIdForm(customer),
        "tax_ids": tax_id_lines.lines(ids),
        "is_full": len(ids) >= billing_details.MOST_TAX_IDS,
        "outcome": outcome,
    }
    template = "billing/details.html" + (f"#{part}" if is_part else "")
    status = 400 if (form or adding) and not is_part else 200
    return render(request, template, context, status=status)
