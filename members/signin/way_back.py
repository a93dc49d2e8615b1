"""Someone who presses a button too late returns to its form and reads that nothing was done.

Too late means: the session was over, another tab had signed out or in, or the page's token was old.
HTMX is told so in a status, and static/portal.js says it in place and keeps what was typed.
`FORMS` says where each form is and what it does; `members.tests.signin.test_way_back` walks all
addresses, so none is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import ResolverMatch, is_valid_path, reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from common.htmx import wants_fragment
from members.signin.allauth_internals import STATE_SESSION_KEY

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# {failed} is a sentence of its own, from `FORMS`.
SIGNED_OUT = _("You were signed out. {failed} Please try again.")
EXPIRED = _("This page had expired. {failed} Please try again.")
TOOK_TOO_LONG = _("That took too long, so we stopped. Please start again.")
SIGN_IN_FIRST = _("You’re signed out. Sign in to continue.")
# Such a message fills in again what this browser's tab kept of the form.
RESTORES = "restores"
# Tells static/portal.js that the page's token is old.
FAILURE_HEADER = "Portal-Failure"
# In the signed-out session: the page they return to, and what it says then.
SESSION_KEY = "way_back"
WAITS_FOR = 60 * 60
TEMPORARY = (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER)


@dataclass(frozen=True)
class Form:
    """What's said if it wasn't sent (a sentence), and the view whose page has it.

    Without a page, its own address shows it. `keeps`: the page's address has the same arguments.
    """

    failed: str | Promise
    page: str = ""
    keeps: bool = False


# Pages in the middle of signing in or up, which lead to the start once they've expired.
MIDWAY = {
    "account_confirm_login_code",
    "account_confirm_password_reset_code",
    "account_complete_password_reset",
    "account_email_verification_sent",
    "account_verify_phone",
    "members:phone-skip",
    "mfa_authenticate",
}
BEGINNINGS = ("account_login", "account_request_login_code", "account_reset_password")
DOORS = {*BEGINNINGS, *MIDWAY, "account_signup", "mfa_login_webauthn"}
ANY = Form(_("We couldn’t do that."))
TO_PAYMENT = _("We couldn’t take you to the payment page.")
FORMS = {
    "members:email-works": Form(_("We couldn’t note that your email works."), "home"),
    "billing:add-card": Form(_("We couldn’t open the page for your card."), "billing:cards"),
    "billing:default-card": Form(_("We couldn’t change the card we charge."), "billing:cards"),
    "billing:remove-card": Form(_("We couldn’t remove your card."), "billing:cards"),
    "billing:pay-again": Form(_("We couldn’t try your card again."), "billing:invoice", keeps=True),
    "billing:pay-with-another": Form(
        _("We couldn’t open the page for your card."), "billing:invoice", keeps=True
    ),
    "billing:details": Form(_("We couldn’t save your billing details.")),
    "billing:add-tax-id": Form(_("We couldn’t save your tax ID."), "billing:details"),
    "billing:remove-tax-id": Form(_("We couldn’t remove your tax ID."), "billing:details"),
    "billing:subscribe": Form(TO_PAYMENT, "billing:membership"),
    "billing:manage-card": Form(_("We couldn’t open your card details."), "billing:membership"),
    "billing:use-card": Form(_("We couldn’t change the card we charge."), "billing:membership"),
    "billing:cancel": Form(_("We couldn’t cancel your membership.")),
    "billing:stay": Form(_("We couldn’t add your discount."), "billing:cancel"),
    "billing:keep-price": Form(_("We couldn’t keep your present plan."), "billing:membership"),
    "billing:resume": Form(_("We couldn’t resume your membership."), "billing:membership"),
    "billing:switch": Form(_("We couldn’t change how you pay.")),
    "billing:pay-amount": Form(TO_PAYMENT),
    "billing:pay-item": Form(TO_PAYMENT, "billing:payments"),
    "billing:pay": Form(TO_PAYMENT),
    "billing:email-receipt": Form(_("We couldn’t email your receipt."), "billing:payments"),
    "billing:request-refund": Form(_("We couldn’t send your refund request.")),
    "billing:withdraw-refund": Form(
        _("We couldn’t withdraw your refund request."), "billing:refund", keeps=True
    ),
    "billing:change-way": Form(_("We couldn’t change how you pay."), "billing:membership"),
    "billing:pay-membership-by-zelle": Form(
        _("We couldn’t start your Zelle payment."), "billing:membership"
    ),
    "billing:pay-invoice-by-zelle": Form(
        _("We couldn’t start your Zelle payment."), "billing:invoice", keeps=True
    ),
    "billing:zelle-sent": Form(
        _("We couldn’t note that you sent your payment."), "billing:zelle", keeps=True
    ),
    "billing:zelle-cancel": Form(
        _("We couldn’t cancel your Zelle payment."), "billing:zelle", keeps=True
    ),
    "members:profile": Form(_("We couldn’t save your profile."), "members:account"),
    "members:text-messages": Form(
        _("We couldn’t change your text message settings."), "members:notifications"
    ),
    "members:notifications": Form(_("We couldn’t save your notifications.")),
    "members:confirm-email": Form(_("We couldn’t confirm your email address.")),
    "members:phone-remove": Form(
        _("We couldn’t remove your phone number."), "members:notifications"
    ),
    "account_login": Form(_("We couldn’t sign you in.")),
    "account_logout": Form(_("We couldn’t sign you out.")),
    "admin:logout": Form(_("We couldn’t sign you out."), "account_logout"),
    "google_login": Form(_("We couldn’t sign you in."), "account_login"),
    "apple_login": Form(_("We couldn’t sign you in."), "account_login"),
    "connect_google": Form(_("We couldn’t connect your account."), "mfa_index"),
    "connect_apple": Form(_("We couldn’t connect your account."), "mfa_index"),
    "social_disconnect": Form(_("We couldn’t disconnect your account."), "mfa_index"),
    "account_signup": Form(_("We couldn’t create your account.")),
    "account_request_login_code": Form(_("We couldn’t send your code.")),
    "account_reset_password": Form(_("We couldn’t send your code.")),
    "account_login_link": Form(_("We couldn’t sign you in.")),
    **dict.fromkeys(MIDWAY, Form(_("We couldn’t check your code."))),
    "members:phone-skip": Form(_("We couldn’t skip that step."), "account_verify_phone"),
    "account_email": Form(_("We couldn’t change your email address.")),
    "account_change_phone": Form(_("We couldn’t change your phone number.")),
    "account_change_password": Form(_("We couldn’t change your password.")),
    "account_reset_password_from_key": Form(_("We couldn’t set your password.")),
    "account_set_password": Form(_("We couldn’t set your password.")),
    "account_reauthenticate": Form(_("We couldn’t confirm that it’s you.")),
    "mfa_reauthenticate": Form(_("We couldn’t confirm that it’s you.")),
    "mfa_activate_totp": Form(_("We couldn’t turn on two-step sign-in.")),
    "mfa_deactivate_totp": Form(_("We couldn’t turn off two-step sign-in.")),
    "mfa_add_webauthn": Form(_("We couldn’t add your passkey.")),
    "mfa_edit_webauthn": Form(_("We couldn’t rename your passkey.")),
    "mfa_remove_webauthn": Form(_("We couldn’t remove your passkey.")),
    "mfa_login_webauthn": Form(_("We couldn’t sign you in."), "account_login"),
    "mfa_reauthenticate_webauthn": Form(_("We couldn’t confirm that it’s you.")),
    "mfa_generate_recovery_codes": Form(_("We couldn’t make new recovery codes.")),
    "usersessions_end": Form(_("We couldn’t sign out that device."), "usersessions_list"),
    "usersessions_list": Form(_("We couldn’t sign out your other devices.")),
    "selfservice:data": Form(_("We couldn’t prepare your data.")),
    "selfservice:help": Form(_("We couldn’t send your message.")),
    "selfservice:close": Form(_("We couldn’t schedule closing your account.")),
    "selfservice:close-undo": Form(_("We couldn’t keep your account."), "selfservice:close"),
    "staff-invitation": Form(_("We couldn’t add you to the team.")),
    "selfservice:close-undo-link": Form(_("We couldn’t keep your account.")),
}


class WayBackMiddleware:
    """Redirect from dead ends: form-only addresses reached while signed out, or typed."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        was_signed_out = not request.user.is_authenticated
        response = self.get_response(request)
        match = request.resolver_match
        if match is None:
            return response
        if was_signed_out and wants_fragment(request) and _leads_to_sign_in(request, response):
            return _say_in_place(request)
        if request.method == "POST" and was_signed_out:
            return _after_form(request, match, response)
        if _is_no_page(request, response) and _form(match).page:
            return redirect(page_of(request))
        return response


def page_of(request: HttpRequest) -> str:
    """Return the address of the page with this request's form."""
    match = request.resolver_match
    form = _form(match)
    if match is None or not form.page:
        return request.get_full_path()
    arguments = match.kwargs if form.keeps else {}
    return reverse(form.page, kwargs=arguments)


def after_sign_in(request: HttpRequest, target: str | None) -> str | None:
    """Say what wasn't done to people who sign in on the way back; return where they go.

    `target` is what allauth knows about it; not all of its flows keep it.
    """
    waiting = request.session.pop(SESSION_KEY, None)
    if not waiting or waiting["at"] < time.time() - WAITS_FOR:
        return target
    if target and target != waiting["page"]:
        return target
    if waiting["says"]:
        messages.warning(request, waiting["says"], extra_tags=RESTORES)
    page: str = waiting["page"]
    return page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Redirect the sender of an expired page to its current version; explain other failures.

    A token expires when someone signs in in another tab. Requests from another site, or from a
    browser that keeps no cookies, are refused with a page.
    """
    is_old = reason.startswith(("CSRF token", "CSRF cookie"))
    is_for_all = not _needs_sign_in(request.resolver_match)
    if is_old and not request.user.is_authenticated and not is_for_all:
        if wants_fragment(request):
            return _say_in_place(request)
        return _sign_in_first(request, _form(request.resolver_match))
    if is_old and wants_fragment(request):
        return HttpResponse(status=HTTPStatus.FORBIDDEN, headers={FAILURE_HEADER: "expired"})
    if not is_old or (is_for_all and not request.COOKIES):
        page = _came_from(request) or page_of(request)
        return render(request, "403_csrf.html", {"page": page}, status=403)
    if not _is_in_already(request):
        says = EXPIRED.format(failed=_form(request.resolver_match).failed)
        messages.warning(request, says, extra_tags=RESTORES)
    return redirect(_with_next(request, page_of(request)))


def _came_from(request: HttpRequest) -> str:
    """Return the address of our own page that the form was on, or "" if the browser doesn't say."""
    referer = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    if not url_has_allowed_host_and_scheme(referer, hosts, require_https=request.is_secure()):
        return ""
    parts = urlsplit(referer)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return path if _is_our_page(path) else ""


def _is_our_page(path: str) -> bool:
    """Whether a path is a page of ours; a browser takes "//name/" for another site."""
    is_local = url_has_allowed_host_and_scheme(path, None)
    return is_local and bool(is_valid_path(urlsplit(path).path))


def _form(match: ResolverMatch | None) -> Form:
    return FORMS.get(match.view_name, ANY) if match else ANY


def _is_no_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    is_refused = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    return is_refused and request.method in ("GET", "HEAD")


def _after_form(
    request: HttpRequest, match: ResolverMatch, response: HttpResponseBase
) -> HttpResponseBase:
    """Check where a visitor's form leads, and explain a redirect to the sign-in page."""
    if response.status_code not in TEMPORARY:
        return response
    if _leads_to_sign_in(request, response):
        return _sign_in_first(request, _form(match))
    target = urlsplit(response["Location"])
    begins_anew = target.path in {reverse(name) for name in BEGINNINGS}
    says_why = getattr(messages.get_messages(request), "added_new", False)
    if match.view_name in MIDWAY and begins_anew and not says_why:
        messages.warning(request, TOOK_TOO_LONG)
    return response


def _leads_to_sign_in(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether a page or form was refused only because nobody is signed in."""
    if response.status_code not in TEMPORARY:
        return False
    target = urlsplit(response["Location"])
    doors = (reverse("account_login"), reverse("admin:login"))
    return target.path in doors and request.get_full_path() in parse_qs(target.query).get(
        "next", []
    )


def _say_in_place(request: HttpRequest) -> HttpResponse:
    """Tell HTMX that the session is over: the page stays as it is, with what was typed."""
    page = request.htmx.current_url_abs_path  # type: ignore[attr-defined]  # set by its middleware
    if page and _is_our_page(page):
        _come_back_to(request, page)
    return HttpResponse(status=HTTPStatus.UNAUTHORIZED)


def _come_back_to(request: HttpRequest, page: str, says: str = "") -> None:
    """Keep where signing in leads, and what's said there."""
    # allauth keeps some forms to resend them, but someone else may sign in.
    request.session.pop(STATE_SESSION_KEY, None)
    request.session[SESSION_KEY] = {"page": page, "says": says, "at": time.time()}


def _sign_in_first(request: HttpRequest, form: Form) -> HttpResponse:
    """Redirect to the sign-in page, and from there to the form's page."""
    page = page_of(request)
    _come_back_to(request, page, SIGNED_OUT.format(failed=form.failed))
    messages.info(request, SIGN_IN_FIRST)
    return redirect(f"{reverse('account_login')}?{urlencode({REDIRECT_FIELD_NAME: page})}")


def _needs_sign_in(match: ResolverMatch | None) -> bool:
    """Whether a view is for members only; public ones say so (`login_not_required`)."""
    return match is None or getattr(match.func, "login_required", True)


def _is_in_already(request: HttpRequest) -> bool:
    """Whether a sign-in page was sent while another tab had already signed in."""
    match = request.resolver_match
    is_door = match is not None and match.view_name in (
        *BEGINNINGS,
        "account_signup",
        "mfa_login_webauthn",
        "google_login",
        "apple_login",
        *MIDWAY,
    )
    return is_door and request.user.is_authenticated


def _with_next(request: HttpRequest, page: str) -> str:
    """Keep the destination, which the sign-in forms carry in a field."""
    target = request.POST.get(REDIRECT_FIELD_NAME, "")
    if not target or REDIRECT_FIELD_NAME in request.GET:
        return page
    return f"{page}{'&' if '?' in page else '?'}{urlencode({REDIRECT_FIELD_NAME: target})}"
