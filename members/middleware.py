"""Show every page in the member's own time zone and language."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation

from common import region
from members import languages, time_zones
from members.access import current_member


class TimeZoneMiddleware:
    """Activate the signed-in member's time zone; visitors get the business's own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        chosen = current_member(request).time_zone if request.user.is_authenticated else ""
        zone = time_zones.find(chosen) or region.zone()
        with timezone.override(zone):
            return self.get_response(request)


class VisitorsLanguageMiddleware(LocaleMiddleware):
    """Activate the language that a browser asks for, if the business offers it."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate it."""
        accepted = request.headers.get("Accept-Language", "")
        translation.activate(languages.of_visitor(accepted))
        request.LANGUAGE_CODE = translation.get_language()


class LanguageMiddleware:
    """Activate the signed-in member's language; visitors have their browser's already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not (languages.is_chosen() and request.user.is_authenticated):
            return self.get_response(request)
        with translation.override(languages.offered(current_member(request).language)):
            response = self.get_response(request)
            response.headers["Content-Language"] = translation.get_language()
            return response
