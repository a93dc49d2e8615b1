"""The member's refunds: requesting, following, and withdrawing them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.core.tones import Tone
from billing.models import Refund
from billing.pages import refund_facts, refund_preview, refund_tracker
from billing.pages.outcomes import Outcome
from billing.pages.refund_facts import RequestFacts
from billing.pages.refund_forms import RefundForm, up_to
from billing.pages.refund_preview import Asking, Preview
from billing.refunds import queries
from billing.refunds import service as refunds
from billing.refunds.transitions import RefundError
from common import money
from common.htmx import wants_fragment
from members.access import current_user

UNPROCESSABLE, CONFLICT = 422, 409
NO_CONTENT = 204
TO_BE_SEEN = gettext_lazy("You’ll see what happens here once you’ve entered a valid amount.")
CHANGED = gettext_lazy("What can be refunded has changed in the meantime. Please check it again.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_refund(request: HttpRequest, pk: int) -> HttpResponse:
    """Preview a refund request, then make it. With `look` in the form, only preview."""
    facts = refund_facts.request(current_user(request), pk)
    if facts is None:
        raise Http404("There is no such payment.")
    looking = "look" in request.POST
    if made := _known(request, facts):
        if looking and wants_fragment(request):
            # The form has been sent meanwhile, and its own answer leads to the refund.
            return HttpResponse(status=NO_CONTENT)
        return redirect("billing:refund", pk=made.pk)
    asked = refund_preview.asking(facts)
    if request.method != "POST":
        return _form_page(request, asked, RefundForm(asked, None))
    form = RefundForm(asked, request.POST, looking=looking)
    if looking:
        form.is_valid()
        return _form_page(request, asked, form)
    return _make(request, asked, form)


@login_required
@require_GET
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one refund's progress. HTMX polls the fragment, which is empty if nothing's new."""
    facts = refund_facts.refund(current_user(request), pk)
    if facts is None:
        raise Http404("There is no such refund.")
    page = refund_tracker.page_of(facts)
    if wants_fragment(request):
        if request.GET.get("seen") == page.stamp:
            return HttpResponse(status=NO_CONTENT)
        return render(request, "billing/refunds/refund.html#story", {"refund": page})
    return render(request, "billing/refunds/refund.html", {"refund": page})


@login_required
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a request. HTMX gets the refund's progress with what's true now."""
    user = current_user(request)
    if not queries.visible_to(user).filter(pk=pk).exists():
        raise Http404("There is no such refund.")
    try:
        row = refunds.withdraw(user, pk)
    except RefundError as error:
        return _withdrawn(request, pk, Outcome(Tone.BAD, str(error)))
    told = _("You withdrew your request for %(amount)s.") % {"amount": row.money}
    return _withdrawn(request, pk, Outcome(Tone.GOOD, told))


def _withdrawn(request: HttpRequest, pk: int, outcome: Outcome) -> HttpResponse:
    facts = refund_facts.refund(current_user(request), pk) if wants_fragment(request) else None
    if facts is None:
        outcome.leave_for(request)
        return redirect("billing:refund", pk=pk)
    context = {"refund": refund_tracker.page_of(facts), "outcome": outcome}
    return render(request, "billing/refunds/refund.html#story", context)


def _known(request: HttpRequest, facts: RequestFacts) -> Refund | None:
    """Return the refund that this same form made, or the request that's already waiting."""
    if request.method == "POST":
        sent = request.POST.get("key", "")
        return next((row for row in facts.own if str(row.key) == sent), None)
    return next((row for row in facts.own if row.is_undecided), None)


def _make(request: HttpRequest, asked: Asking, form: RefundForm) -> HttpResponse:
    """Make the request, unless the terms have changed since the form was shown.

    `refunds.request` reads everything again under the member's lock, and decides from that.
    """
    if request.POST.get("shown") != str(asked.terms.most):
        changed = Outcome(Tone.INFO, str(CHANGED))
        return _form_page(request, asked, RefundForm(asked, None), CONFLICT, changed)
    if not form.is_valid() or form.wanted is None:
        return _form_page(request, asked, form, UNPROCESSABLE)
    user = current_user(request)
    try:
        row = refunds.request(user, asked.payment.pk, form.as_request(form.wanted))
    except RefundError as error:
        form.add_error(None, str(error))
        return _form_page(request, asked, form, CONFLICT)
    return redirect("billing:refund", pk=row.pk)


def _form_page(
    request: HttpRequest,
    asked: Asking,
    form: RefundForm,
    status: int = 200,
    outcome: Outcome | None = None,
) -> HttpResponse:
    """Render the page, or what HTMX asks for: the form, or only its preview.

    HTMX swaps nothing that comes with an error's status.
    """
    is_part, looking = wants_fragment(request), "look" in request.POST
    part = "#preview" if looking else "#asking"
    code = asked.payment.currency.upper()
    context = {
        "asked": asked,
        "form": form,
        "outcome": outcome,
        "is_part": is_part and looking,
        "preview": _preview(asked, form, is_part=is_part and looking),
        "currency": code,
        "symbol": money.symbol(code),
    }
    template = "billing/refunds/form.html" + (part if is_part else "")
    return render(request, template, context, status=200 if is_part else status)


def _preview(asked: Asking, form: RefundForm, *, is_part: bool) -> Preview:
    """Return what would happen. What's wrong with the amount is said at its field.

    If `is_part`, the member is still typing: an empty field isn't wrong.
    """
    amount = form.wanted if form.is_bound and hasattr(form, "cleaned_data") else asked.terms.most
    if amount is None:
        how = up_to(asked.most) if is_part and not form.typed else str(TO_BE_SEEN)
        return Preview(Tone.INFO, _("How much?"), (how,))
    cancels = form.cancels if form.is_bound else False
    return refund_preview.preview(asked, amount, cancels=cancels)
