"""The doctor's look at the email provider: over HTTP, with nothing sent."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django import Settings

from emails.tests.provider_api import KEYS, SERVERS_KEY, Answer, Api, provider_api
from portal.doctor import provider_checks
from portal.doctor.results import Result
from portal.models import Outcome

OK, WARN, FAIL, UNKNOWN = Outcome.OK, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
DOMAIN = "mail.harbor.example"
Play = Callable[[str], Api]


@pytest.fixture
def play(settings: Settings) -> Iterator[Play]:
    """Play a provider until the test ends."""
    settings.DEFAULT_FROM_EMAIL = f"Harbor Yoga <hello@{DOMAIN}>"
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(provider_api(settings, name))


def looked(api: Api, *answers: Answer) -> Result:
    """Look at a provider that answers so; nothing must be sent or shown that's secret."""
    api.reads = list(answers)
    found = provider_checks.key()
    assert api.requests == []
    assert SERVERS_KEY not in found.text + found.remedy
    assert found.remedy or found.outcome == OK
    return found


def domains(provider: str, is_verified: bool) -> list[Answer]:
    """Return what a provider answers that knows our domain."""
    name = {"name": "other.example", "domain_name": "other.example"}
    answers: dict[str, list[Any]] = {
        "brevo": [{"domains": [{"domain_name": DOMAIN, "authenticated": is_verified}]}],
        "mailgun": [{"domain": {"state": "active" if is_verified else "unverified"}}],
        "mailjet": [{"Data": [
            {"Email": f"*@{DOMAIN}", "Status": "Active" if is_verified else "Inactive"}]}],
        "mailtrap": [[{"id": 7}], {"data": [{"domain_name": DOMAIN, "dns_verified": is_verified}]}],
        "resend": [{"data": [name, {"name": DOMAIN,
            "status": "verified" if is_verified else "pending"}], "has_more": False}],
        "sparkpost": [{"results": {"status": {
            "ownership_verified": is_verified, "compliance_status": "valid"}}}],
    }  # fmt: skip
    return [Answer(200, one) for one in answers[provider]]


# Where each is asked, with what of ours.
BASIC = {
    one: f"Basic {base64.b64encode(one.encode()).decode()}"
    for one in (f"api:{SERVERS_KEY}", f"{SERVERS_KEY}:{SERVERS_KEY}")
}
ASKED = {
    "brevo": (["/senders/domains"], "Api-Key", SERVERS_KEY),
    "mailgun": ([f"/domains/{DOMAIN}"], "Authorization", BASIC[f"api:{SERVERS_KEY}"]),
    "mailjet": (
        ["/v3/REST/sender?Limit=1000"], "Authorization", BASIC[f"{SERVERS_KEY}:{SERVERS_KEY}"],
    ),
    "mailtrap": (["/accounts", "/accounts/7/sending_domains"], "Api-Token", SERVERS_KEY),
    "resend": (["/domains?limit=100"], "Authorization", f"Bearer {SERVERS_KEY}"),
    "sparkpost": ([f"/sending-domains/{DOMAIN}"], "Authorization", SERVERS_KEY),
}  # fmt: skip


@pytest.mark.parametrize("provider", sorted(ASKED))
def test_a_key_that_may_look_tells_of_the_domain(play: Play, provider: str) -> None:
    api = play(provider)
    found = looked(api, *domains(provider, is_verified=True))
    assert (found.outcome, DOMAIN in found.text) == (OK, True)
    paths, header, proof = ASKED[provider]
    assert [one.path for one in api.looks] == paths
    sent = {name.lower(): value for name, value in api.looks[-1].headers.items()}
    assert sent[header.lower()] == proof
    found = looked(api, *domains(provider, is_verified=False))
    assert found.outcome == (WARN if provider == "brevo" else FAIL)
    assert f"{DOMAIN} isn’t" in found.text


NOTHING: dict[str, list[Any]] = {
    "brevo": [{"domains": []}],
    "mailjet": [{"Data": []}],
    "mailtrap": [[{"id": 7}], {"data": []}],
    "resend": [{"data": [], "has_more": False}],
}


@pytest.mark.parametrize(
    "provider", ["brevo", "mailgun", "mailjet", "mailtrap", "resend", "sparkpost"]
)
def test_a_domain_that_it_does_not_have(play: Play, provider: str) -> None:
    answers = [Answer(200, one) for one in NOTHING.get(provider, [])] or [Answer(404, {})]
    found = looked(play(provider), *answers)
    assert found.outcome == (WARN if provider == "brevo" else FAIL)
    assert DOMAIN in found.text


@pytest.mark.parametrize(
    ("provider", "answer"),
    [
        ("brevo", Answer(401, {"code": "unauthorized", "message": "Key not found"})),
        ("mailjet", Answer(401, {"ErrorMessage": "API key authentication/authorization failure."})),
        ("mailtrap", Answer(401, {"error": "Incorrect API token"})),
        ("postmark", Answer(401, {"ErrorCode": 10, "Message": "Bad or missing API token."})),
        ("resend", Answer(400, {"name": "validation_error", "message": "API key is invalid"})),
        ("resend", Answer(401, {"name": "validation_error", "message": "API key is invalid"})),
        ("sparkpost", Answer(401, {"errors": [{"message": "Unauthorized."}]})),
    ],
)
def test_a_refused_key_is_wrong(play: Play, provider: str, answer: Answer) -> None:
    found = looked(play(provider), answer)
    assert (found.outcome, "doesn’t accept the key" in found.text) == (FAIL, True)
    assert next(iter(KEYS[provider])) in found.remedy


@pytest.mark.parametrize(
    ("provider", "answers"),
    [
        ("resend", [Answer(401, {"name": "restricted_api_key", "message": "This API key is …"})]),
        ("sparkpost", [Answer(403, {"errors": [{"message": "Forbidden."}]})]),
        ("mailtrap", [Answer(403, {"errors": "Access forbidden"})]),
        ("mailtrap", [Answer(200, [{"id": 7}]), Answer(403, {"errors": "Access forbidden"})]),
        ("mailtrap", [Answer(200, [])]),
    ],
)
def test_a_key_that_may_only_send_is_as_it_should_be(
    play: Play, provider: str, answers: list[Answer]
) -> None:
    found = looked(play(provider), *answers)
    assert (found.outcome, "may only send" in found.text) == (OK, True)


def test_mailgun_does_not_tell_a_sending_key_from_a_wrong_one(play: Play) -> None:
    found = looked(play("mailgun"), Answer(401, "Forbidden"))
    assert found.outcome == UNKNOWN
    assert "domain sending key" in found.text
    assert "MAILGUN_API_KEY" in found.remedy


def test_postmark_tells_of_the_server(play: Play, settings: Settings) -> None:
    api = play("postmark")
    found = looked(api, Answer(200, {"Name": "Portal", "DeliveryType": "Live"}))
    assert (found.outcome, "“Portal”" in found.text) == (OK, True)
    assert api.looks[0].path == "/server"
    assert looked(api, Answer(200, {"Name": "Try", "DeliveryType": "Sandbox"})).outcome == WARN
    settings.ANYMAIL = settings.ANYMAIL | {"POSTMARK_SERVER_TOKEN": "POSTMARK_API_TEST"}
    assert looked(api).outcome == WARN


@pytest.mark.parametrize(
    ("answer", "outcome", "words"),
    [
        (Answer(503, "<h1>Away</h1>"), UNKNOWN, "can’t answer now: 503"),
        (Answer(429, {"message": "Too many"}), UNKNOWN, "can’t answer now: 429"),
        (Answer(200, "<h1>Hi</h1>"), UNKNOWN, "can’t be read"),
        (Answer(200, {"data": "none"}), UNKNOWN, "can’t be read"),
        (Answer(418, {"message": "Teapot"}), UNKNOWN, "can’t be understood: 418"),
        (Answer(302, "", {"Location": "http://127.0.0.1:9/"}), UNKNOWN, "understood: 302"),
        (Answer(400, {"message": f"API key is invalid: {SERVERS_KEY}"}), FAIL, "accept the key"),
        (Answer(lost=True), FAIL, "can’t be reached at 127.0.0.1"),
    ],
)
def test_what_else_it_may_answer(play: Play, answer: Answer, outcome: str, words: str) -> None:
    found = looked(play("resend"), answer)
    assert (found.outcome, words in found.text) == (outcome, True), found.text


def test_a_provider_that_is_away(play: Play, settings: Settings) -> None:
    api = play("brevo")
    settings.ANYMAIL = settings.ANYMAIL | {"BREVO_API_URL": "http://127.0.0.1:9/"}
    found = looked(api)
    assert (found.outcome, "Brevo can’t be reached" in found.text) == (FAIL, True)


def test_a_long_list_is_not_taken_for_all_of_it(play: Play) -> None:
    assert looked(play("resend"), Answer(200, {"data": [], "has_more": True})).outcome == UNKNOWN
    pages = {"domains": [], "total_pages": 2}
    assert looked(play("brevo"), Answer(200, pages)).outcome == UNKNOWN


def test_without_a_provider_there_is_no_key(settings: Settings) -> None:
    settings.EMAIL_PROVIDER = ""
    assert provider_checks.key().outcome == OK
