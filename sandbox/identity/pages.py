"""The page where one chooses an account at Google or Apple, or says who one is, or cancels."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import Response
from starlette.routing import Route

from sandbox.identity import tokens
from sandbox.identity.providers import FORM_POST, PROVIDERS, Account, Provider
from sandbox.rendering import Visit, endpoint, missing, page, see_other

NEEDED = ("client_id", "redirect_uri", "response_type", "scope", "state")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NOT_ASKED = "Open this page from a button such as “Continue with Google”."


def choose(visit: Visit) -> Response:
    """Show the accounts."""
    asked = dict(visit.query)
    if not _is_asked(asked):
        return missing(visit, NOT_ASKED)
    return _chooser(visit, asked)


def chosen(visit: Visit) -> Response:
    """Send the browser back with a code, or with what it's called to cancel."""
    asked, provider = dict(parse_qsl(visit.form.get("asked", ""))), _provider(visit)
    if not _is_asked(asked):
        return missing(visit, NOT_ASKED)
    if "cancel" in visit.form:
        return _back(visit, asked, {"error": provider.cancels})
    account = _account(provider, visit.form)
    if account is None:
        return _chooser(visit, asked, problem="Enter a name and an email address.")
    answer = {"code": tokens.grant(provider, account, asked)}
    if asked.get("response_mode") == FORM_POST and tokens.is_first(asked["client_id"], account):
        name = {"firstName": account.first, "lastName": account.last}
        answer["user"] = json.dumps({"name": name, "email": account.email})
    return _back(visit, asked, answer)


def _account(provider: Provider, form: Mapping[str, str]) -> Account | None:
    """The one that was pressed, or the one that was typed."""
    email = form.get("account", "")
    for known in provider.accounts:
        if known.email == email:
            return known
    name, typed = form.get("name", "").strip(), form.get("email", "").strip()
    return Account(name, typed) if name and EMAIL.fullmatch(typed) else None


def _back(visit: Visit, asked: Mapping[str, str], answer: dict[str, str]) -> Response:
    fields = {"state": asked["state"], **answer}
    if asked.get("response_mode") == FORM_POST:
        site = urlsplit(asked["redirect_uri"]).netloc
        return page(
            visit, "identity_back.html", target=asked["redirect_uri"], fields=fields, site=site
        )
    joint = "&" if urlsplit(asked["redirect_uri"]).query else "?"
    return see_other(f"{asked['redirect_uri']}{joint}{urlencode(fields)}")


def _chooser(visit: Visit, asked: Mapping[str, str], problem: str = "") -> Response:
    return page(
        visit,
        "identity.html",
        400 if problem else 200,
        provider=_provider(visit),
        asked=urlencode(asked),
        problem=problem,
        site=urlsplit(asked["redirect_uri"]).netloc,
    )


def _is_asked(asked: Mapping[str, str]) -> bool:
    """Whether it's a request for a code, to lead back to a page."""
    is_page = urlsplit(asked.get("redirect_uri", "")).scheme in {"http", "https"}
    return is_page and all(asked.get(name) for name in NEEDED)


def _provider(visit: Visit) -> Provider:
    return PROVIDERS[visit.path.split("/")[1]]


routes = [
    Route("/google/auth", endpoint(choose)),
    Route("/google/auth", endpoint(chosen), methods=["POST"]),
    Route("/apple/auth/authorize", endpoint(choose)),
    Route("/apple/auth/authorize", endpoint(chosen), methods=["POST"]),
]
