"""A payment request's page: for its member, and for anybody who has its link.

Without the member's sign-in, it shows the first name, what for, and the amount, and leads to a
Checkout page that knows nothing of the member. Looking at it changes nothing: messengers fetch
links to show a preview.
"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.core.bank_statuses import ZellePurpose
from billing.core.tones import Tone
from billing.facts import pay_links, tax_settings, zelle
from billing.membership import checkout
from billing.models import Checkout, ExpectedTransfer, PaymentRequest
from billing.pages import payables, payment_views, zelle_views
from billing.pages.outcomes import Outcome
from billing.payments import single_payments
from billing.payments.single_payments import Unpayable
from billing.zelle import expecting
from common.htmx import wants_fragment
from members.signin.allauth_internals import ratelimit

# What the page says to somebody who may not be the member: a heading and a sentence.
CLOSED = {
    Unpayable.PAID: (_("This is already paid"), _("Thank you. There’s nothing left to pay.")),
    Unpayable.BEING_PAID: (
        _("A payment is being confirmed"),
        _("Someone has just paid this. There’s nothing else to do."),
    ),
    Unpayable.WITHDRAWN: (
        _("This payment request was withdrawn"),
        _("There’s nothing to pay. You can close this page."),
    ),
    Unpayable.EXPIRED: (
        _("This payment link has expired"),
        _("If you still want to pay, ask us for a new link."),
    ),
    Unpayable.NOT_ON_SALE: (
        _("This is no longer on sale"),
        _("There’s nothing to pay. You can close this page."),
    ),
    Unpayable.CLOSED: (
        _("This payment link no longer works"),
        _("The account that it was made for is closed. There’s nothing to pay."),
    ),
}
GONE = frozenset(CLOSED) - {Unpayable.PAID, Unpayable.BEING_PAID}
UNKNOWN = (
    _("This payment link isn’t valid"),
    _("It may be cut off or mistyped. Open it from the original message, or ask us for a new one."),
)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """Show a payment request, and on POST send whoever has its link to pay it."""
    asked = _asked(request, token)
    if asked is None:
        return _private(_closed_page(request, UNKNOWN, 404))
    if request.method == "POST":
        _count(request, "pay_link", str(asked.pk))
    is_own = request.user.is_authenticated and request.user.pk == asked.user_id
    return _private((_for_member if is_own else _for_anyone)(request, asked))


@login_not_required
@require_GET
def pay_result(request: HttpRequest, token: str) -> HttpResponse:
    """Say "confirming" until the webhook arrives, then the result. HTMX polls the fragment."""
    asked = _asked(request, token)
    if asked is None:
        return _private(_closed_page(request, UNKNOWN, 404))
    session_id = request.GET.get("session_id", "")
    rows = Checkout.objects.filter(request=asked, session_id=session_id).exclude(session_id="")
    if not rows.exists():
        return _private(redirect(pay_links.path_of(asked)))
    if not checkout.returned(asked.user, session_id).paid:
        return _private(redirect(f"{pay_links.path_of(asked)}?canceled=1"))
    row = rows.select_related("payment", "request").get()
    template = "billing/pay_link_result.html" + ("#status" if wants_fragment(request) else "")
    context = {
        "result": payables.result_of(row),
        "name": asked.user.first_name,
        "again": pay_links.path_of(asked),
    }
    return _private(render(request, template, context))


def _asked(request: HttpRequest, token: str) -> PaymentRequest | None:
    """Return a link's request. Guesses are counted: there's no limit on links that we made."""
    pk = pay_links.request_id(token)
    rows = PaymentRequest.objects.select_related("user", "item")
    asked = rows.filter(pk=pk).first() if pk else None
    if asked is None:
        _count(request, "pay_link_unknown")
    return asked


def _count(request: HttpRequest, action: str, key: str = "") -> None:
    """Count one try, of looking too. Raises RateLimited if none is left."""
    ratelimit.consume(
        request,
        app="allauth.account",
        action=action,
        key=key,
        limit_get=True,
        raise_exception=True,
    )


def _for_member(request: HttpRequest, asked: PaymentRequest) -> HttpResponse:
    """Show a request to its member, who can pay it by card or by Zelle."""
    user, pk = asked.user, asked.pk
    if request.method == "POST":
        if payment_views.by_zelle(request):
            return zelle_views.started(
                request, lambda: expecting.start_request(user, pk), request.path
            )
        return payment_views.to_checkout(
            request, lambda: single_payments.pay_request(user, pk), request.path
        )
    if "canceled" in request.GET:
        messages.info(request, _("You left the payment page. Nothing was charged."))
        return redirect(request.path)
    context = {
        "asked": asked,
        "refusal": single_payments.why_not_payable(asked),
        "tax_words": tax_settings.single_words(),
        "adds_tax": tax_settings.adds_to_single(),
        "takes_zelle": zelle.takes(ZellePurpose.REQUEST, asked.amount, asked.currency),
        "by_zelle": ExpectedTransfer.objects.open().filter(request=asked).first(),
    }
    return render(request, "billing/pay.html", context)


def _for_anyone(request: HttpRequest, asked: PaymentRequest) -> HttpResponse:
    """Show a request to whoever has its link; they can pay it by card."""
    why = single_payments.unpayable(asked)
    problem = ""
    if why is None and request.method == "POST":
        try:
            return redirect(single_payments.pay_by_link(asked))
        except checkout.AlreadyPaid:
            why = Unpayable.BEING_PAID
        except checkout.CheckoutError as error:
            problem = str(error)
    if request.method == "POST" and wants_fragment(request):
        # The page says why it can't be paid anymore; what can be tried again is said at the button.
        again = Outcome(Tone.BAD, problem)
        return again.answer(request, request.path) if problem else redirect(request.path)
    if why is not None:
        return _closed_page(request, CLOSED[why], 410 if why in GONE else 200)
    return _open_page(request, asked, problem)


def _open_page(request: HttpRequest, asked: PaymentRequest, problem: str = "") -> HttpResponse:
    context = {
        "asked": asked,
        "name": asked.user.first_name,
        "problem": problem,
        "has_left": "canceled" in request.GET,
        "tax_words": tax_settings.single_words(),
        "adds_tax": tax_settings.adds_to_single(),
        "takes_zelle": zelle.takes(ZellePurpose.REQUEST, asked.amount, asked.currency),
        "sign_in": f"{reverse('account_login')}?next={request.path}",
    }
    return render(request, "billing/pay_link.html", context, status=503 if problem else 200)


def _closed_page(request: HttpRequest, words: tuple[object, object], status: int) -> HttpResponse:
    context = {"heading": words[0], "sentence": words[1]}
    return render(request, "billing/pay_link_closed.html", context, status=status)


def _private(response: HttpResponse) -> HttpResponse:
    """Keep the link out of caches, search engines, and other sites' logs.

    `same-origin`, not `no-referrer`: with that, browsers send no origin along with the form.
    """
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response
