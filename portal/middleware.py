"""The portal's middleware: machine endpoints, CSP by area, HTMX redirects, rate limits."""

import re
from collections.abc import Callable
from http import HTTPStatus

from allauth.core.exceptions import RateLimited
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    QueryDict,
)
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_cache_control, patch_vary_headers

from common import region

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# NUL and lone surrogates, which some encodings can express.
BROKEN = re.compile("[\0\ud800-\udfff]")


class MachineEndpointMiddleware:
    """Answers machines (webhooks, health checks) before sessions, users, or messages exist.

    `portal.machine_urls` lists these addresses; everything else continues through the chain. Text
    that no column can hold is refused here, as `UnreadableTextMiddleware` does for pages.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            match = resolve(request.path_info, urlconf="portal.machine_urls")
        except Resolver404:
            return self.get_response(request)
        # Read the raw body before its fields: signatures are of these exact bytes.
        _ = request.body
        if _is_unreadable(request):
            return HttpResponseBadRequest("Unreadable.")
        with region.in_force():
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return response


class UnreadableTextMiddleware:
    """Refuses NUL characters and lone surrogates in addresses, cookies, and forms.

    PostgreSQL's text can hold neither, and UTF-8 can't hold the latter. Otherwise every form and
    view would have to handle them, and any that forgot would answer 500.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Written as \\000 in the header: Python decodes a quoted cookie's escapes.
        if any(_is_broken(text) for pair in request.COOKIES.items() for text in pair):
            # The error page reads the session cookie again.
            request.COOKIES.clear()
            return render(request, "400.html", status=400)
        if _is_unreadable(request):
            return render(request, "400.html", status=400)
        return self.get_response(request)


def _is_unreadable(request: HttpRequest) -> bool:
    """Whether an address or a form contains text that no column can hold."""
    if _is_broken(request.path) or _has_broken_text(request.GET):
        return True
    return request.method == "POST" and _has_broken_text(request.POST)


def _has_broken_text(form: QueryDict) -> bool:
    return any(
        _is_broken(name) or any(_is_broken(str(value)) for value in values)
        for name, values in form.lists()
    )


def _is_broken(text: str) -> bool:
    return BROKEN.search(text) is not None


class PrivatePagesMiddleware:
    """Keeps signed-in users' pages out of every cache, including the browser's.

    A page and its HTMX fragment share an address, so caches must distinguish them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_store=True)
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Sets the strict policy everywhere, and Unfold's only under the staff site's prefix."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path_info.startswith(reverse("admin:index")):
            parts.config = settings.STAFF_CONTENT_SECURITY_POLICY
        return parts


class HtmxRedirectMiddleware:
    """Turns redirects for HTMX requests into full page loads.

    Sign-in and reauthentication redirect without knowing HTMX, which would swap the sign-in page
    into a fragment of the current one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.headers.get("HX-Request") == "true" and response.status_code in (301, 302, 303):
            redirect = HttpResponse(status=200)
            redirect["HX-Redirect"] = response["Location"]
            redirect.cookies = response.cookies
            return redirect
        return response


class WrongMethodMiddleware:
    """Shows the 405 page where a view refused how it was asked, instead of an empty one.

    Where a form's address was only typed, `members.signin.way_back` has already led to the form.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_empty = isinstance(response, HttpResponse) and not response.content
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or not is_empty:
            return response
        allowed = response.get("Allow", "")
        # The address can be opened if it shows a page, too.
        page = request.path if "GET" in allowed.split(", ") else reverse("home")
        shown = render(request, "405.html", {"page": page}, status=response.status_code)
        shown["Allow"] = allowed
        return shown


class TooManyRequestsMiddleware:
    """Shows the 429 page if allauth lets `RateLimited` through (second sign-up with a phone)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer 429 to `RateLimited`; leave everything else alone."""
        if isinstance(exception, RateLimited):
            return render(request, "429.html", status=429)
        return None
