"""The portal's own middleware: machine endpoints, CSP by area, HTMX redirects, rate limits."""

from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import RateLimited
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_cache_control, patch_vary_headers

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class MachineEndpointMiddleware:
    """Answer machines (webhooks, health checks) before any session, user or message exists.

    `portal.machine_urls` lists these addresses; everything else goes on through the chain.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            match = resolve(request.path_info, urlconf="portal.machine_urls")
        except Resolver404:
            return self.get_response(request)
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return response


class NulRefusalMiddleware:
    """Refuse NUL characters in addresses, cookies and forms: PostgreSQL's text has none.

    Each form and view would have to think of them otherwise, and an unthought one answers 500.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path or any(_has_nul(values) for values in request.GET.lists()):
            return render(request, "400.html", status=400)
        # Written as \000 in the header: Python reads a quoted cookie's escapes.
        if any("\0" in text for pair in request.COOKIES.items() for text in pair):
            # Its page looks at the session's cookie again.
            request.COOKIES.clear()
            return render(request, "400.html", status=400)
        if request.method == "POST" and any(_has_nul(values) for values in request.POST.lists()):
            return render(request, "400.html", status=400)
        return self.get_response(request)


def _has_nul(field: tuple[str, list[Any]]) -> bool:
    name, values = field
    return "\0" in name or any("\0" in str(value) for value in values)


class PrivatePagesMiddleware:
    """Keep a signed-in person's pages out of every cache, the browser's own included.

    A page and its HTMX fragment have one address: caches must tell them apart.
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
    """The strict policy everywhere; the one Unfold needs under the staff site's prefix only."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path_info.startswith(reverse("admin:index")):
            parts.config = settings.STAFF_CONTENT_SECURITY_POLICY
        return parts


class HtmxRedirectMiddleware:
    """Turn a redirect answered to HTMX into a full page load.

    Sign-in and reauthentication answer with redirects and know nothing of HTMX, which would swap
    the sign-in page into a fragment of the current one.
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


class TooManyRequestsMiddleware:
    """Show the 429 page where allauth lets `RateLimited` through (second sign-up with a phone)."""

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
