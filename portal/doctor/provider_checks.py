"""Whether the email provider takes our key, and knows our domain: it's asked, and no mail is sent.

A key that may only send is as it should be: it can't look at the account, so it's not called wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests
from django.conf import settings
from django.core.mail import get_connection

from common import addresses
from common.mail_providers import PROVIDERS
from portal.doctor.mail_checks import sending_domain
from portal.doctor.results import Check, Result, fail, ok, unknown, warn

MOST_WORDS = 200
# Mailtrap's hosts for sending know nothing of the account.
MAILTRAP_SENDS = frozenset({"send.api.mailtrap.io", "bulk.api.mailtrap.io"})
MAILTRAP_ACCOUNT = "https://mailtrap.io/api/"
# Where accounts in Europe have another address, a key of theirs is unknown here.
HAS_REGIONS = frozenset({"mailgun", "sparkpost"})
# A token with which Postmark takes mails and throws them away.
POSTMARK_TEST = "POSTMARK_API_TEST"


class _Answered(Exception):
    """The provider's answer isn't what was asked for."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


# Takes a path and returns what the provider answers as JSON.
Ask = Callable[[str], Any]


@dataclass(frozen=True)
class _Look:
    """How one provider is asked: our proof of who we are, and what its answers mean.

    `refused`: whether an answer means that it doesn't know the key. `limited`: whether one means
    that the key is good, and may not look.
    """

    sign: Callable[[Any], dict[str, Any]]
    read: Callable[[Ask, str], Result]
    refused: Callable[[int, str], bool] = lambda status, _words: status == HTTPStatus.UNAUTHORIZED
    limited: Callable[[int, str], bool] = lambda _status, _words: False


def key() -> Result:
    """Whether the provider takes our key, and knows the domain that emails come from."""
    short = settings.EMAIL_PROVIDER
    provider = PROVIDERS.get(short)
    if provider is None:
        return ok("Emails don’t go out by a provider’s API, so there’s no key to try.")
    look, domain = LOOKS[short], sending_domain()
    backend: Any = get_connection()
    try:
        return look.read(lambda path: _asked(backend, look, path), domain)
    except _Answered as answered:
        return _judged(look, answered.response, short, domain)
    except requests.RequestException as error:
        host = urlsplit(backend.api_url).hostname
        text = f"{provider.name} can’t be reached at {host} ({type(error).__name__})."
        remedy = "See whether this server may make requests to the internet, and whether the"
        return fail(text, f"{remedy} provider is down.")
    except (LookupError, TypeError, AttributeError, ValueError):
        remedy = "Check the address in EMAIL_PROVIDER_SETTINGS, if one is set."
        return unknown(f"{provider.name}’s answer can’t be read.", remedy)


def _asked(backend: Any, look: _Look, path: str) -> Any:
    """Return what the provider answers. Our key goes to no other address."""
    url = urljoin(_base(backend.api_url), path)
    response = requests.get(
        url, timeout=backend.timeout, allow_redirects=False, **look.sign(backend)
    )
    if response.status_code != HTTPStatus.OK:
        raise _Answered(response)
    try:
        return response.json()
    except requests.JSONDecodeError as error:
        raise LookupError("This isn't JSON.") from error


def _base(url: str) -> str:
    return MAILTRAP_ACCOUNT if urlsplit(url).hostname in MAILTRAP_SENDS else url


def _judged(look: _Look, response: requests.Response, short: str, domain: str) -> Result:
    """Return what an answer means that isn't what was asked for."""
    name, status, words = PROVIDERS[short].name, response.status_code, _words(response)
    if look.limited(status, response.text):
        return _may_only_send(name, domain)
    if look.refused(status, response.text):
        names = " and ".join(PROVIDERS[short].settings[: 2 if short == "mailjet" else 1])
        remedy = f"Copy it again at {name}, and set {names} in EMAIL_PROVIDER_SETTINGS."
        if short in HAS_REGIONS:
            remedy += f" Accounts in Europe need {short.upper()}_API_URL, too."
        return fail(f"{name} doesn’t accept the key. {words}".strip(), remedy)
    if short == "mailgun" and status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        text = "Mailgun doesn’t let the key look at the domain. So it is with a domain sending key"
        remedy = "If emails fail, too, copy the key again at Mailgun, and set MAILGUN_API_KEY in"
        region = "Accounts in Europe need MAILGUN_API_URL, too."
        return unknown(
            f"{text}, and with a wrong one.", f"{remedy} EMAIL_PROVIDER_SETTINGS. {region}"
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return unknown(f"{name} can’t answer now: {status} {words}".strip(), "Try again later.")
    if status == HTTPStatus.NOT_FOUND and short in HAS_REGIONS:
        return _missing(name, domain, short)
    remedy = "Check the address in EMAIL_PROVIDER_SETTINGS, if one is set."
    return unknown(f"{name}’s answer can’t be understood: {status} {words}".strip(), remedy)


def _words(response: requests.Response) -> str:
    """Return what the provider says, unless it quotes what's secret."""
    words = " ".join(response.text.split())[:MOST_WORDS]
    secrets = [str(one) for one in settings.ANYMAIL.values() if one]
    return "" if any(len(one) > 3 and one in words for one in secrets) else words


def _may_only_send(name: str, domain: str) -> Result:
    text = f"{name} takes the key, which may only send. That’s fine; whether {domain} is verified"
    return ok(f"{text} can’t be told with it.")


def _missing(name: str, domain: str, short: str = "") -> Result:
    text = f"{name} takes the key, but doesn’t know the domain {domain}."
    remedy = f"Add the domain at {name}, or change DEFAULT_FROM_EMAIL."
    if short in HAS_REGIONS:
        remedy += f" Accounts in Europe need {short.upper()}_API_URL, too."
    return fail(text, remedy)


def _verified(name: str, domain: str) -> Result:
    return ok(f"{name} takes the key, and {domain} is verified there.")


def _unverified(name: str, domain: str, said: str = "") -> Result:
    state = f" It calls it “{said}”." if said else ""
    text = f"{name} takes the key, but {domain} isn’t verified there.{state}"
    return fail(text, f"Open {name}’s page of the domain, which names the DNS records to add.")


def _unlisted(name: str, domain: str) -> Result:
    """The list goes on, and we read its beginning."""
    text = f"{name} takes the key. Among so many domains, {domain} wasn’t found."
    return unknown(text, f"Look at {name} whether {domain} is verified.")


def _named(rows: Iterable[Mapping[str, Any]], field: str, domain: str) -> Mapping[str, Any] | None:
    return next((one for one in rows if str(one[field]).lower() == domain), None)


def _brevo(ask: Ask, domain: str) -> Result:
    found = ask("senders/domains")
    row = _named(found["domains"], "domain_name", domain)
    if row is None and int(found.get("total_pages") or 1) > 1:
        return _unlisted("Brevo", domain)
    if row and row["authenticated"]:
        return _verified("Brevo", domain)
    # A single address may have been verified instead.
    text = f"Brevo takes the key, but {domain} isn’t authenticated there."
    remedy = "Authenticate the domain in Brevo, or its emails are sent in Brevo’s name."
    return warn(text, remedy)


def _mailgun(ask: Ask, domain: str) -> Result:
    sending = str(settings.ANYMAIL.get("MAILGUN_SENDER_DOMAIN") or domain)
    state = str(ask(f"domains/{quote(sending, safe='')}")["domain"]["state"])
    if state == "active":
        return _verified("Mailgun", sending)
    return _unverified("Mailgun", sending, state)


def _mailjet(ask: Ask, domain: str) -> Result:
    """A sender is one address, or all of a domain's ("*@example.com")."""
    rows = ask("../v3/REST/sender?Limit=1000")["Data"]
    _name, address = addresses.split(settings.DEFAULT_FROM_EMAIL)
    found = [_named(rows, "Email", one) for one in (f"*@{domain}", address.lower())]
    states = [str(one["Status"]) for one in found if one]
    if "Active" in states:
        return _verified("Mailjet", domain)
    return _unverified("Mailjet", domain, states[0]) if states else _missing("Mailjet", domain)


def _mailtrap(ask: Ask, domain: str) -> Result:
    if settings.ANYMAIL.get("MAILTRAP_SANDBOX_ID"):
        text = "Emails go to Mailtrap’s sandbox, so nobody gets them."
        return warn(text, "Take MAILTRAP_SANDBOX_ID out of EMAIL_PROVIDER_SETTINGS.")
    accounts = ask("accounts")
    for account in accounts:
        rows = ask(f"accounts/{int(account['id'])}/sending_domains")["data"]
        if row := _named(rows, "domain_name", domain):
            if row["dns_verified"]:
                return _verified("Mailtrap", domain)
            return _unverified("Mailtrap", domain)
    if not accounts:
        return _may_only_send("Mailtrap", domain)
    return _missing("Mailtrap", domain)


def _postmark(ask: Ask, domain: str) -> Result:
    """A server's token says nothing about domains, which belong to the account."""
    if settings.ANYMAIL["POSTMARK_SERVER_TOKEN"] == POSTMARK_TEST:
        text = "Postmark’s test token is set: it takes emails, and sends none."
        return warn(text, "Set POSTMARK_SERVER_TOKEN in EMAIL_PROVIDER_SETTINGS to a server’s.")
    server = ask("server")
    if server.get("DeliveryType") == "Sandbox":
        text = f"Postmark’s server “{server['Name']}” is a sandbox: nobody gets its emails."
        return warn(text, "Make a live server at Postmark, and set POSTMARK_SERVER_TOKEN to its.")
    text = f"Postmark takes the token of its server “{server['Name']}”. Whether {domain} is"
    return ok(f"{text} verified can’t be told with it.")


def _resend(ask: Ask, domain: str) -> Result:
    found = ask("domains?limit=100")
    row = _named(found["data"], "name", domain)
    if row is None:
        return _unlisted("Resend", domain) if found.get("has_more") else _missing("Resend", domain)
    status = str(row["status"])
    return _verified("Resend", domain) if status == "verified" else (
        _unverified("Resend", domain, status)
    )  # fmt: skip


def _sparkpost(ask: Ask, domain: str) -> Result:
    found = ask(f"sending-domains/{quote(domain, safe='')}")["results"]["status"]
    if not found["ownership_verified"]:
        return _unverified("SparkPost", domain)
    if str(found.get("compliance_status", "valid")) not in {"valid", "pending"}:
        return _unverified("SparkPost", domain, str(found["compliance_status"]))
    return _verified("SparkPost", domain)


def _sparkpost_headers(backend: Any) -> dict[str, Any]:
    headers = {"Authorization": backend.api_key}
    if backend.subaccount is not None:
        headers["X-MSYS-SUBACCOUNT"] = str(backend.subaccount)
    return {"headers": headers}


def _forbidden(status: int, _words: str) -> bool:
    return status == HTTPStatus.FORBIDDEN


# Each provider's documentation says so, under the names of these paths.
LOOKS: Mapping[str, _Look] = {
    "brevo": _Look(lambda one: {"headers": {"api-key": one.api_key}}, _brevo),
    "mailgun": _Look(
        lambda one: {"auth": ("api", one.api_key)},
        _mailgun,
        # A domain's sending key gets the same answer as a wrong one.
        refused=lambda _status, _words: False,
    ),
    "mailjet": _Look(lambda one: {"auth": (one.api_key, one.secret_key)}, _mailjet),
    "mailtrap": _Look(
        lambda one: {"headers": {"Api-Token": one.api_token}}, _mailtrap, limited=_forbidden
    ),
    "postmark": _Look(
        lambda one: {
            "headers": {
                "X-Postmark-Server-Token": one.server_token,
                "Accept": "application/json",
            }
        },
        _postmark,
    ),
    "resend": _Look(
        lambda one: {"headers": {"Authorization": f"Bearer {one.api_key}"}},
        _resend,
        # Resend's documentation, "Errors": 400, 401, and 403 have all been its word for that.
        refused=lambda status, words: status in {400, 401, 403} and "API key is invalid" in words,
        limited=lambda _status, words: "restricted_api_key" in words,
    ),
    "sparkpost": _Look(_sparkpost_headers, _sparkpost, limited=_forbidden),
}
CHECKS = (Check("mail.provider", key),)
