"""The membership's pages: its status, joining, switching, canceling, and cards."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.core import rhythms, texts
from billing.core.tones import Tone
from billing.membership import (
    cancellation,
    cards,
    checkout,
    planning,
    retention,
    switch_options,
    switching,
)
from billing.models import Payment, Subscription
from billing.pages import (
    alerts,
    member_facts,
    membership_status,
)
from billing.pages.forms import CancellationForm
from billing.pages.outcomes import Outcome
from billing.zelle import way
from common.htmx import wants_fragment
from members import terms
from members.access import current_user
from members.models import AgreedWhere

# A primary key has 64 bits: any number of fewer digits fits.
LONGEST_KEY = 19
# In the address that HTMX asks while a change is being confirmed.
CONFIRMING = "confirming"


@login_required
@require_GET
def membership(request: HttpRequest) -> HttpResponse:
    """Show the membership, or the plans to someone who can join."""
    if "canceled" in request.GET:
        messages.info(request, _("You left the payment page. Nothing was charged."))
        return redirect("billing:membership")
    return _membership_page(request)


def _membership_page(request: HttpRequest, outcome: Outcome | None = None) -> HttpResponse:
    """Render the page, or what HTMX asks for: the membership with what's true now."""
    template = "billing/membership.html" + ("#current" if wants_fragment(request) else "")
    facts = member_facts.membership(current_user(request))
    current = membership_status.membership(facts)
    offer = None if current.is_member or facts.begins_by_zelle else facts.offer
    context = {
        "membership": current,
        "alerts": alerts.for_member(facts, current),
        "offer": offer,
        "zelle_offer": None if current.is_member else facts.zelle_offer,
        "begins_by_zelle": facts.begins_by_zelle,
        "changed_price": membership_status.changed_price(current, offer),
        "left_open": alerts.left_open(facts),
        "switches": membership_status.switches(facts, current),
        "other_way": membership_status.other_way(facts, current),
        "outcome": outcome,
        # What was being confirmed when HTMX began to ask is confirmed.
        "is_confirmed": CONFIRMING in request.GET and not current.pending,
    }
    return render(request, template, context)


def _changed(request: HttpRequest) -> HttpResponse:
    """Lead to the membership, which says what's being confirmed, or what's true now."""
    current = membership_status.membership(member_facts.membership(current_user(request)))
    if not current.pending:
        messages.success(request, current.sentence)
    return _back()


def _done(request: HttpRequest, told: str, tone: Tone = Tone.GOOD) -> HttpResponse:
    """Say what's true now: beside the membership, or after a redirect to it."""
    outcome = Outcome(tone, told)
    if wants_fragment(request):
        return _membership_page(request, outcome)
    outcome.leave_for(request)
    return redirect("billing:membership")


@login_required
@require_POST
def subscribe(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe Checkout. HTMX gets the offer again if that's not possible."""
    user, price = current_user(request), request.POST.get("price", "")
    try:
        url = checkout.start_membership(user, price, expects_trial="trial" in request.POST)
    except (checkout.AlreadyMember, checkout.TrialGone) as error:
        messages.info(request, str(error))
    except checkout.CheckoutError as error:
        return _offered_again(request, price, str(error))
    else:
        terms.accept(user, AgreedWhere.JOIN, get_adapter().get_client_ip(request))
        return redirect(url)
    return redirect("billing:membership")


def _offered_again(request: HttpRequest, price: str, why: str) -> HttpResponse:
    """Say at the offer why it can't be bought now; what was chosen stays chosen."""
    facts = member_facts.membership(current_user(request)) if wants_fragment(request) else None
    if facts is None or facts.offer is None:
        messages.error(request, why)
        return redirect("billing:membership")
    current = membership_status.membership(facts)
    context = {
        "offer": facts.offer,
        "again": current.member_since,
        "chosen": price,
        "outcome": Outcome(Tone.BAD, why),
    }
    return render(request, "billing/offer.html", context)


@login_required
@require_GET
def checkout_return(request: HttpRequest) -> HttpResponse:
    """Say "confirming" until the webhook arrives, then "active". HTMX polls the fragment."""
    session_id = request.GET.get("session_id", "")
    came_back = checkout.returned(current_user(request), session_id)
    if not came_back.known:
        return redirect("billing:membership")
    if not came_back.paid:
        messages.info(request, _("The payment wasn’t finished. Nothing was charged."))
        return redirect("billing:membership")
    template = "billing/checkout_return.html" + ("#status" if wants_fragment(request) else "")
    context = {
        "membership": membership_status.membership(member_facts.membership(current_user(request)))
    }
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest) -> HttpResponse:
    """Say what will happen and when, ask why, and cancel at the end of the period."""
    current = membership_status.membership(member_facts.membership(current_user(request)))
    if not current.can_cancel:
        return redirect("billing:membership")
    form = CancellationForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return _cancel_page(request, current, form)
    try:
        cancellation.cancel(
            current_user(request), form.chosen_reason(), form.cleaned_data["comment"]
        )
    except cancellation.MembershipError as error:
        return _cancel_page(request, current, form, str(error))
    return _changed(request)


@login_required
@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """Accept the cancel page's discount, and keep the membership."""
    current = membership_status.membership(member_facts.membership(current_user(request)))
    form = CancellationForm(request.POST)
    if not form.is_valid():
        return _cancel_page(request, current, form)
    try:
        retention.accept(current_user(request), form.chosen_reason(), form.cleaned_data["comment"])
    except cancellation.MembershipError as error:
        return _cancel_page(request, current, form, str(error))
    return _changed(request)


@login_required
@require_POST
def resume(request: HttpRequest) -> HttpResponse:
    """Undo the cancellation. HTMX gets the membership with what's true now."""
    user = current_user(request)
    try:
        cancellation.resume(user)
    except cancellation.MembershipError as error:
        return _done(request, str(error), Tone.BAD)
    if cancellation.pending_decision(user):
        # The page says what's being confirmed.
        return _membership_page(request) if wants_fragment(request) else _back()
    return _done(request, _("Your membership continues."))


@login_required
@require_POST
def keep_price(request: HttpRequest) -> HttpResponse:
    """Drop the price that's planned. HTMX gets the membership with what's true now."""
    user = current_user(request)
    try:
        planning.take_back(user)
    except cancellation.MembershipError as error:
        return _done(request, str(error), Tone.BAD)
    if cancellation.pending_decision(user):
        # The page says what's being confirmed.
        return _membership_page(request) if wants_fragment(request) else _back()
    return _done(request, _("You keep your present plan."))


def _back() -> HttpResponse:
    return redirect("billing:membership")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what switching to another price costs today, then switch as shown.

    HTMX gets the preview as a part of the membership's page, which keeps its place.
    """
    user = current_user(request)
    row = cancellation.live_subscription(user)
    choices = switch_options.choices(row) if row else []
    choice = next((one for one in choices if one.plan.pk == pk), None)
    if row is None or choice is None:
        messages.info(request, _("There’s no other plan to switch to."))
        return redirect("billing:membership")
    try:
        if request.method == "POST":
            switching.switch(user, choice, request.POST.get("shown", ""))
            if cancellation.pending_decision(user) is None:
                plan = choice.plan
                told = rhythms.switched_to(plan.interval, plan.interval_count, choice.rate)
                messages.success(request, told)
            return redirect("billing:membership")
        return _switch_page(request, switching.preview(row, choice))
    except switching.LookAgain as error:
        return _look_again(request, row, choice, str(error))
    except cancellation.MembershipError as error:
        messages.error(request, str(error))
        return redirect("billing:membership")


def _look_again(
    request: HttpRequest, row: Subscription, choice: switch_options.Choice, why: str
) -> HttpResponse:
    """Show today's figures, and say why they aren't those that were confirmed."""
    if not wants_fragment(request):
        messages.info(request, why)
        return redirect(request.path)
    try:
        return _switch_page(request, switching.preview(row, choice), Outcome(Tone.INFO, why))
    except cancellation.MembershipError as error:
        messages.error(request, str(error))
        return redirect("billing:membership")


def _switch_page(
    request: HttpRequest, preview: switching.Preview, outcome: Outcome | None = None
) -> HttpResponse:
    template = "billing/switch.html" + ("#preview" if wants_fragment(request) else "")
    return render(request, template, {"preview": preview, "outcome": outcome})


@login_required
@require_POST
def change_way(request: HttpRequest) -> HttpResponse:
    """Let the next renewal be paid the other way: by card, or by Zelle.

    HTMX gets the membership with what's true now.
    """
    user = current_user(request)
    facts = member_facts.membership(user)
    other = membership_status.other_way(facts, membership_status.membership(facts))
    # The button says which way, so that an old page can't change it back.
    wanted = request.POST.get("way", "")
    if other is None or wanted != ("zelle" if other.is_zelle else "card"):
        return _done(request, _("This has already changed."), Tone.INFO)
    try:
        way.change(user, other)
    except cancellation.MembershipError as error:
        return _done(request, str(error), Tone.BAD)
    told = _("You now pay by Zelle.") if other.is_zelle else _("You now pay by card.")
    return _done(request, told)


@login_required
@require_POST
def manage_card(request: HttpRequest) -> HttpResponse:
    """Send the member to Stripe's page to change their card."""
    subscription_pk = _number(request.POST.get("subscription", ""))
    try:
        return redirect(checkout.card_page(current_user(request), subscription_pk))
    except checkout.CheckoutError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, "billing:membership")


@login_required
@require_POST
def use_card(request: HttpRequest, pk: int) -> HttpResponse:
    """Use the card of one of the member's payments for future charges."""
    user = current_user(request)
    payment = Payment.objects.for_user(user).filter(pk=pk).first()
    if payment is None:
        raise Http404("There is no such payment.")
    try:
        cards.use_for_next_charges(user, payment, request)
    except cancellation.MembershipError as error:
        return Outcome(Tone.BAD, str(error)).answer(request, "billing:membership")
    card = texts.card(payment.card_brand, payment.card_last4)
    messages.success(request, _("Your next charges go to %(card)s.") % {"card": card})
    return redirect("billing:membership")


def _number(text: str) -> int | None:
    """Return a primary key from a form, or None if it isn't one."""
    is_number = text.isascii() and text.isdecimal() and len(text) < LONGEST_KEY
    return int(text) if is_number else None


def _cancel_page(
    request: HttpRequest,
    current: membership_status.Membership,
    form: CancellationForm,
    why_not: str = "",
) -> HttpResponse:
    """Render the cancel page, with the retention offer if there is one.

    HTMX gets the form. `why_not`: what was decided couldn't be done, and can be tried again.
    """
    user = current_user(request)
    offer = retention.offer_for(user)
    if offer:
        retention.shown(offer, user)
    context = {
        "membership": current,
        "form": form,
        "offer": offer,
        "outcome": Outcome(Tone.BAD, why_not) if why_not else None,
    }
    template = "billing/cancel.html" + ("#leaving" if wants_fragment(request) else "")
    return render(request, template, context)
