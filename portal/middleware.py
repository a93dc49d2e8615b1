"""The portal's own middleware: machine endpoints, CSP by area, HTMX redirects, rate limits."""

import re
from collections.abc import Callable

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

GetResponse = Callable[[HttpRequest], HttpResponseBase]
# NUL, and halves of a pair that are no characters: some encodings can write them.
BROKEN = re.compile("[\0\ud800-\udfff]")


class MachineEndpointMiddleware:
    """Answer machines (webhooks, health checks) before any session, user or message exists.

    `portal.machine_urls` lists these addresses; everything else goes on through the chain. What no
    column can hold is refused here, as `UnreadableTextMiddleware` does for pages.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            match = resolve(request.path_info, urlconf="portal.machine_urls")
        except Resolver404:
            return self.get_response(request)
        # Read whole before its fields are: a signature is of these very bytes.
        _ = request.body
        if _is_unreadable(request):
            return HttpResponseBadRequest("Unreadable.")
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
        return response


class UnreadableTextMiddleware:
    """Refuse NUL characters and halves of characters in addresses, cookies and forms.

    PostgreSQL's text holds neither, and UTF-8 not the latter. Each form and view would have to
    think of them otherwise, and an unthought one answers 500.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Written as \\000 in the header: Python reads a quoted cookie's escapes.
        if any(_is_broken(text) for pair in request.COOKIES.items() for text in pair):
            # Its page looks at the session's cookie again.
            request.COOKIES.clear()
            return render(request, "400.html", status=400)
        if _is_unreadable(request):
            return render(request, "400.html", status=400)
        return self.get_response(request)


def _is_unreadable(request: HttpRequest) -> bool:
    """Whether an address or a form holds what no column can hold."""
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
