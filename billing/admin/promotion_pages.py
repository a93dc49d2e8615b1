"""Coupons and promo codes on the staff site: what there is at Stripe, making one, stopping one.

Nothing of them is kept here: discounts on memberships and invoices come with those. So the pages
ask Stripe, and what staff did is in their list of actions.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from billing.admin.promotion_form import PromotionForm, digest, gives, said, terms
from billing.core import idempotency
from billing.stripe import failures, gateway
from billing.stripe.gateway import Promotion
from billing.stripe.snapshots import CouponSnapshot, PromoCodeSnapshot
from common import days
from common.staff import show
from common.staff.put_aside import put_aside, take_up
from members.signin.staff_recent import ask_who_is_there

logger = logging.getLogger(__name__)
NAME = "billing_retentionoffer"
MAY_MAKE, MAY_CHANGE = "billing.add_retentionoffer", "billing.change_retentionoffer"
STOP, START = "stop", "start"
# The length of a list, which is a page of Stripe’s.
MOST = 100
NO_ANSWER = "Stripe didn’t answer. Please try again in a moment."


@dataclass(frozen=True)
class ShownCode:
    """A promo code, with the address of its question ("" for who may not change it)."""

    code: str
    name: str
    gives: str
    used: str
    until: str
    for_whom: str
    state: str
    url: str
    button: str


@dataclass(frozen=True)
class ShownCoupon:
    """A coupon: what staff enter is its ID."""

    id: str
    name: str
    gives: str
    codes: str
    state: str


def urls(model_admin: Any) -> list[URLPattern]:
    """Return the pages' addresses."""

    def guarded(view: Callable[..., HttpResponseBase]) -> Any:
        return model_admin.admin_site.admin_view(partial(view, model_admin))

    return [
        path("codes/", guarded(_codes), name=f"{NAME}_codes"),
        path("codes/make/", guarded(_make), name=f"{NAME}_make_code"),
        path("codes/<str:code_id>/<str:what>/", guarded(_change), name=f"{NAME}_change_code"),
    ]


def _codes(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Answer with the newest codes and coupons. Template: `admin/billing/promotions/codes.html`."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    try:
        coupons, codes = gateway.list_coupons(), gateway.list_promo_codes()
        problem = ""
    except gateway.StripeError as error:
        coupons, codes, problem = [], [], _why_not(error)
    known = {one.id: one for one in coupons}
    may_change = request.user.has_perm(MAY_CHANGE)
    more = {
        "codes": [_shown_code(one, known.get(one.coupon_id), may_change) for one in codes],
        "coupons": [_shown_coupon(one, codes) for one in coupons],
        "problem": problem,
        "make_url": _url("make_code") if request.user.has_perm(MAY_MAKE) else "",
        "most": MOST,
    }
    return _page(model_admin, request, "codes", "Promo codes", more)


def _make(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Ask what it takes off, show it, make it. Template: `admin/billing/promotions/make.html`."""
    if not request.user.has_perm(MAY_MAKE):
        raise PermissionDenied
    if asked := ask_who_is_there(request, request.path, otherwise=_url("codes")):
        put_aside(request)
        return asked
    typed = request.POST if request.method == "POST" else take_up(request)
    form = PromotionForm(typed, initial={"key": uuid.uuid4()})
    lines: list[str] = []
    if form.is_bound and form.is_valid():
        wanted = form.promotion()
        is_seen = form.cleaned_data["seen"] == digest(wanted)
        if is_seen and request.POST.get("step") == "make":
            if _made(model_admin, request, form, wanted):
                return redirect(_url("codes"))
        elif _is_free(form, wanted):
            form.show_again(digest(wanted))
            lines = said(wanted)
    more = {"form": form, "lines": lines, "back": _url("codes")}
    return _page(model_admin, request, "make", "Make a coupon or promo code", more)


def _is_free(form: PromotionForm, wanted: Promotion) -> bool:
    """Whether nobody can type this code yet; otherwise the form says so."""
    try:
        found = gateway.code_by_name(wanted.code) if wanted.code else None
    except gateway.StripeError as error:
        form.add_error(None, _why_not(error))
        return False
    if found and found.active:
        form.add_error("code", "This code is in use. Stop it first, or choose another.")
        return False
    return True


def _made(model_admin: Any, request: HttpRequest, form: PromotionForm, wanted: Promotion) -> bool:
    """Make it at Stripe, and say so; whether that went well. If not, the form says why.

    The keys come from the form's and from what was typed. So it's made once however often it's
    sent, and if a code is refused, the next one is for the same coupon.
    """
    key = str(form.cleaned_data["key"])
    try:
        coupon = gateway.create_coupon(
            wanted, idempotency.key("coupon", key, about=(repr(wanted.of_coupon()),))
        )
        if wanted.code:
            promo_key = idempotency.key("promo-code", key, about=(repr(wanted),))
            gateway.create_promo_code(wanted, coupon.id, promo_key)
    except gateway.StripeError as error:
        # Somebody else may have made the same code since it was looked at.
        is_refused = isinstance(error, gateway.StripeRefused)
        if not is_refused or _is_free(form, wanted):
            form.add_error(None, _why_not(error))
        return False
    what = f"the promo code {wanted.code}" if wanted.code else f"the coupon {coupon.id}"
    done = f"Made {what}. {' '.join(said(wanted))} Its coupon is {coupon.id}."
    # Sent twice, it's the same coupon.
    if not LogEntry.objects.filter(change_message=done).exists():
        model_admin.log_done(request, done)
    messages.success(request, f"Made {what}. It takes {terms(wanted)}.")
    return True


def _change(model_admin: Any, request: HttpRequest, code_id: str, what: str) -> HttpResponseBase:
    """Ask, then stop a code or start it. Template: `admin/billing/promotions/change.html`."""
    if not request.user.has_perm(MAY_CHANGE):
        raise PermissionDenied
    if what not in (STOP, START):
        raise Http404("There's no such button.")
    if asked := ask_who_is_there(request, request.path, otherwise=_url("codes")):
        return asked
    try:
        found = gateway.read_promo_code(code_id)
        if request.method == "POST":
            gateway.set_promo_code(found.id, active=what == START)
    except gateway.StripeMissing:
        raise Http404("There's no such code.") from None
    except gateway.StripeError as error:
        messages.error(request, _why_not(error))
        return redirect(_url("codes"))
    if request.method != "POST":
        more = {"code": found.code, "is_stop": what == STOP, "back": _url("codes")}
        title = f"Stop {found.code}?" if what == STOP else f"Let {found.code} be used again?"
        return _page(model_admin, request, "change", title, more)
    done = (
        f"Stopped the promo code {found.code}."
        if what == STOP
        else (f"Started the promo code {found.code} again.")
    )
    model_admin.log_done(request, done)
    messages.success(request, done)
    return redirect(_url("codes"))


def _shown_code(
    one: PromoCodeSnapshot, coupon: CouponSnapshot | None, may_change: bool
) -> ShownCode:
    is_over = bool(one.expires_at and one.expires_at <= timezone.now())
    is_used_up = one.most is not None and one.used >= one.most
    is_dead = is_over or is_used_up or (coupon is not None and not coupon.valid)
    what = STOP if one.active else START
    state = "Active" if one.active else "Stopped"
    if is_dead:
        state = "Used up" if is_used_up else "Expired"
    whom = "One member" if one.customer_id else ("First payment" if one.first_only else "Everyone")
    return ShownCode(
        code=one.code,
        name=coupon.name if coupon else "",
        gives=_terms(coupon) if coupon else show.NOTHING,
        used=" of ".join(show.number(part) for part in (one.used, one.most) if part is not None),
        until=_last_day(one.expires_at),
        for_whom=whom,
        state=state,
        url=_url("change_code", one.id, what) if may_change and not is_dead else "",
        button="Stop" if one.active else "Start again",
    )


def _shown_coupon(one: CouponSnapshot, codes: list[PromoCodeSnapshot]) -> ShownCoupon:
    mine = [code.code for code in codes if code.coupon_id == one.id]
    return ShownCoupon(
        id=one.id,
        name=one.name or show.NOTHING,
        gives=_terms(one),
        codes=", ".join(mine) or show.NOTHING,
        state="Can be given" if one.valid else "Expired or used up",
    )


def _terms(one: CouponSnapshot) -> str:
    return gives(one.percent_off, one.amount_off, one.currency, one.duration, one.months)


def _last_day(end: datetime | None) -> str:
    """Return the last day on which it can be used."""
    if end is None:
        return show.NOTHING
    return days.short_with_year(timezone.localtime(end - timedelta(seconds=1)))


def _why_not(error: gateway.StripeError) -> str:
    """Say why Stripe didn't do it."""
    failures.note(logger, error, "Coupons and promo codes")
    if isinstance(error, gateway.StripeUnavailable):
        return NO_ANSWER
    if isinstance(error, gateway.StripeLockedOut):
        return "Our key may not do this. Give it write access to coupons and promotion codes."
    return f"Stripe refused it: {error}"


def _url(page: str, *args: str) -> str:
    return reverse(f"admin:{NAME}_{page}", args=args)


def _page(
    model_admin: Any, request: HttpRequest, template: str, title: str, more: dict[str, Any]
) -> HttpResponseBase:
    context = {
        **model_admin.admin_site.each_context(request),
        "model_admin": model_admin,
        "title": title,
        "content_title": title,
        **more,
    }
    return TemplateResponse(request, f"admin/billing/promotions/{template}.html", context)
