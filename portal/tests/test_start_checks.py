"""Settings that keep the portal from starting, and warnings about those that don't."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.postgres import CHECKOUT
from portal import start_checks
from portal.start_checks import is_building, is_development, refusals, remarks

# Not made by chance: all workers must collect the same tests.
STRONG = "ISBA3iRr2PxyQ4mkz2kUYvI0IuLL32I6-OmnFROSyfUfUBe9xy7d4OCakv6t3qjccwjXWm_TtJ29AUymVYP-Dg"
GOOD = {
    "DATABASE_URL": "postgresql://portal:of-its-own-9281@database/portal",
    "SECRET_KEY": STRONG,
    "PORTAL_URL": "https://portal.harbor.example",
    "BRAND_NAME": "Harbor",
    "SUPPORT_EMAIL": "help@harbor.example",
    "STAFF_EMAIL": "office@harbor.example",
    "POSTAL_ADDRESS": "2 Quay Street, Portland, ME 04101",
    "STRIPE_SECRET_KEY": "sk_live_51Nabc",
    "STRIPE_WEBHOOK_SECRETS": "whsec_abc,whsec_def",
    "STRIPE_PRICE_ID": "price_1Nabc",
    "TERMS_URL": "https://www.harbor.example/terms",
    "PRIVACY_URL": "https://www.harbor.example/privacy",
    "TWILIO_ACCOUNT_SID": "AC0123456789",
    "TWILIO_AUTH_TOKEN": "0123456789abcdef",
    "TWILIO_FROM_NUMBER": "+12075550123",
    "EMAIL_URL": "smtp+tls://portal:pw@mail.harbor.example:587",
    "TRUSTED_PROXIES": "1",
}
POSTMARK = {
    "EMAIL_PROVIDER": "postmark",
    "EMAIL_PROVIDER_SETTINGS": '{"POSTMARK_SERVER_TOKEN": "of-its-own"}',
    "EMAIL_WEBHOOK_SECRET": "postmark:0123456789abcdef",
}
# One wrong setting each; the sentence begins with, or names, the setting.
REFUSED = [
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "   "),
    ("DATABASE_URL", "mysql://portal:pw@database/portal"),
    ("DATABASE_URL", "postgresql://portal:password@localhost:5432/portal"),
    ("DATABASE_URL", "postgresql://portal:changeme@localhost:5432/portal"),
    ("DATABASE_URL", "postgresql://portal:replace_me@localhost:5432/portal"),
    ("DATABASE_URL", "postgresql://portal:pw@db.example.com/portal"),
    ("SUPPORT_EMAIL", "help.harbor.example"),
    ("SUPPORT_EMAIL", "Help <help@harbor.example>"),
    ("SUPPORT_EMAIL", "hélp@harbor.example"),
    ("STAFF_EMAIL", "office@harbor.example,owner"),
    ("STAFF_EMAIL", "Smith, Jo <jo@harbor.example>"),
    ("DEFAULT_FROM_EMAIL", "Harbor"),
    ("DEFAULT_FROM_EMAIL", "Harbor <help@harbor>"),
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "short"),
    ("SECRET_KEY", STRONG[:49]),
    ("SECRET_KEY", "a" * 64),
    ("SECRET_KEY", "harbor2026" * 8),
    ("SECRET_KEY", f"django-insecure-{STRONG}"),
    ("SECRET_KEY", start_checks.DEVELOPMENT_SECRET),
    ("SECRET_KEY", "change-me-change-me-to-something-that-nobody-will-ever-guess-1234"),
    ("SECRET_KEY", "…"),
    ("SECRET_KEY_FALLBACKS", f"{STRONG},{start_checks.DEVELOPMENT_SECRET}"),
    ("SECRET_KEY_FALLBACKS", "old"),
    ("PORTAL_URL", ""),
    ("PORTAL_URL", "http://portal.harbor.example"),
    ("PORTAL_URL", "http://127.0.0.1:8000"),
    ("PORTAL_URL", "portal.harbor.example"),
    ("PORTAL_URL", "https://"),
    ("PORTAL_URL", "https://portal.harbor.example/members"),
    ("PORTAL_URL", "https://portal.harbor.example:port"),
    ("PORTAL_URL", "https://portal.example.com"),
    ("PORTAL_URL", "https://your-domain.com"),
    ("ALLOWED_HOSTS", "*"),
    ("ALLOWED_HOSTS", "portal.harbor.example, *"),
    ("ALLOWED_HOSTS", "portal.example.com"),
    ("CSRF_TRUSTED_ORIGINS", "https://*"),
    ("CSRF_TRUSTED_ORIGINS", "portal.harbor.example"),
    ("CSRF_TRUSTED_ORIGINS", "https://portal.example.com"),
    ("STRIPE_API_BASE", "http://127.0.0.1:8010"),
    ("STRIPE_API_BASE", "https://api.stripe.com.harbor.example"),
    ("STRIPE_HOSTED_ORIGINS", "https://checkout.stripe.com,http://127.0.0.1:8010"),
    ("TWILIO_API_BASE", "http://127.0.0.1:8010/twilio"),
    ("STRIPE_SECRET_KEY", "sk_test_replace_me"),
    ("STRIPE_SECRET_KEY", "sk_live_…"),
    ("STRIPE_SECRET_KEY", "pk_live_51Nabc"),
    ("STRIPE_SECRET_KEY", "whsec_abc"),
    ("STRIPE_WEBHOOK_SECRETS", "whsec_replace_me"),
    ("STRIPE_PRICE_ID", "price_replace_me"),
    ("STRIPE_YEARLY_PRICE_ID", "price_replace_me"),
    ("TWILIO_ACCOUNT_SID", "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ("TWILIO_AUTH_TOKEN", "your_token"),
    ("TWILIO_FROM_NUMBER", "+15005550006"),
    ("SUPPORT_EMAIL", ""),
    ("SUPPORT_EMAIL", "help@example.com"),
    ("STAFF_EMAIL", "office@harbor.example,owner@example.com"),
    ("DEFAULT_FROM_EMAIL", "Harbor Yoga <help@example.com>"),
    ("EMAIL_URL", "smtp+tls://user:password@host:587"),
    ("EMAIL_URL", "smtp+tls://user:password@smtp.harbor.example:587"),
    ("EMAIL_URL", "smtp+tls://portal:pw@smtp.example.org:587"),
    ("EMAIL_URL", "mail.harbor.example"),
    ("POSTAL_ADDRESS", "1 Harbor Street, Portland, ME 04101"),
    ("PUBLIC_SITE_URL", "https://www.example.com"),
    ("PUBLIC_SITE_URL", "www.harbor.example"),
    ("TERMS_URL", "https://www.example.com/terms"),
    ("TERMS_URL", ""),
    ("PRIVACY_URL", "https://www.example.com/privacy"),
    ("PRIVACY_URL", ""),
    ("BRAND_COLOR", "green"),
]
LEFT = [
    ("STRIPE_SECRET_KEY", ""),
    ("STRIPE_SECRET_KEY", "sk_test_51Nabc"),
    ("STRIPE_SECRET_KEY", "rk_test_51Nabc"),
    ("STRIPE_WEBHOOK_SECRETS", ""),
    ("STRIPE_WEBHOOK_SECRETS", "we_1Nabc"),
    ("STRIPE_PRICE_ID", ""),
    ("STRIPE_PRICE_ID", "prod_abc"),
    ("STRIPE_YEARLY_PRICE_ID", "prod_def"),
    ("STRIPE_YEARLY_PRICE_ID", GOOD["STRIPE_PRICE_ID"]),
    ("TWILIO_ACCOUNT_SID", ""),
    ("TWILIO_AUTH_TOKEN", ""),
    ("TWILIO_FROM_NUMBER", ""),
    ("TWILIO_FROM_NUMBER", "207 555 0123"),
    ("TWILIO_MESSAGING_SERVICE_SID", "PN00000000000000000000000000000000"),
    ("EMAIL_URL", ""),
    ("EMAIL_URL", "consolemail://"),
    ("EMAIL_URL", "dummymail://"),
    ("TRUSTED_PROXIES", ""),
    ("TRUSTED_PROXIES", "0"),
    ("ALLOWED_HOSTS", "harbor.example"),
    ("BRAND_NAME", ""),
    ("BRAND_NAME", "Harbor Yoga"),
    ("STAFF_EMAIL", ""),
    ("POSTAL_ADDRESS", ""),
]


def test_good_settings_start_and_nothing_is_left_to_say() -> None:
    assert refusals(GOOD, debug=False) == []
    assert remarks(GOOD) == []


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_each_fault_is_refused_with_one_sentence_that_names_the_setting(
    name: str, value: str
) -> None:
    (sentence,) = refusals(GOOD | {name: value}, debug=False)
    assert name in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(("name", "value"), LEFT)
def test_what_is_left_is_said_in_one_sentence_and_starts(name: str, value: str) -> None:
    settings = GOOD | {name: value}
    assert refusals(settings, debug=False) == []
    (remark,) = remarks(settings)
    assert name in remark.sentence
    assert remark.sentence.startswith(remark.setting)


def test_nothing_at_all_is_told_setting_by_setting() -> None:
    names = [re.search(r"[A-Z_]{5,}", sentence) for sentence in refusals({}, debug=False)]
    assert [name and name[0] for name in names] == [
        "DATABASE_URL",
        "SECRET_KEY",
        "PORTAL_URL",
        "SUPPORT_EMAIL",
    ]


def test_development_needs_no_settings() -> None:
    assert refusals({}, debug=True) == []


@pytest.mark.parametrize(
    "written",
    [
        {"STRIPE_SECRET_KEY": "sk_live_51Nabc"},
        {"STRIPE_SECRET_KEY": "rk_live_51Nabc", "PORTAL_URL": "http://127.0.0.1:8000"},
        {"STRIPE_SECRET_KEY": "sk_live_51Nabc", "PORTAL_URL": "https://portal.harbor.example"},
    ],
)
def test_nobody_develops_with_a_live_key(written: dict[str, str]) -> None:
    (sentence,) = refusals(written, debug=True)
    assert "live key" in sentence


def test_a_live_key_and_an_address_without_https_are_told_together() -> None:
    (sentence,) = refusals(GOOD | {"PORTAL_URL": "http://portal.harbor.example"}, debug=False)
    assert "https://" in sentence
    assert "STRIPE_SECRET_KEY" in sentence


def test_stripes_and_twilios_own_addresses_may_be_spelled_out() -> None:
    own = {
        "STRIPE_API_BASE": "https://api.stripe.com/",
        "TWILIO_API_BASE": "https://api.dublin.ie1.twilio.com",
    }
    assert refusals(GOOD | own, debug=False) == []


def test_a_test_key_may_go_to_the_sandbox() -> None:
    sandbox = {"STRIPE_SECRET_KEY": "sk_test_sandbox", "STRIPE_API_BASE": "http://127.0.0.1:8010"}
    assert refusals(GOOD | sandbox, debug=False) == []


@given(st.binary(min_size=32, max_size=64))
def test_no_random_key_is_called_weak(seed: bytes) -> None:
    """Whatever chance makes of it: hexadecimal, base64 and Django's own keys start."""
    digest = hashlib.sha512(seed).digest()
    for key in (digest.hex(), base64.urlsafe_b64encode(digest).decode()):
        assert refusals(GOOD | {"SECRET_KEY": key}, debug=False) == []


def test_no_value_of_the_example_starts_where_it_must_be_ones_own() -> None:
    """Whoever uncomments a line and goes on without reading it is told so."""
    example = (CHECKOUT / ".env.example").read_text()
    values = dict(re.findall(r"^#?([A-Z_]+)=(.+)$", example, re.MULTILINE))
    # These three show a default.
    defaults = {"EMAIL_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"}
    own = set(start_checks.MAY_BE_PLACEHOLDERS) & set(values) - defaults
    assert len(own) >= 10
    # One without the other is refused for another reason, too.
    bounces = {
        "BOUNCE_ADDRESS": "bounces@harbor-yoga.com",
        "BOUNCE_MAIL_URL": "imaps://bounces:of-its-own-5513@mail.harbor-yoga.com",
    }
    for name in own:
        beside = next((one for one in (bounces, POSTMARK) if name in one), {})
        settings = GOOD | beside | {name: values[name].strip('"')}
        assert len(refusals(settings, debug=False)) == 1, name


SIGNS = {"is_served": False, "has_tools": True, "is_host": False}


def test_debug_is_on_by_itself_for_a_developer() -> None:
    assert is_development({}, **SIGNS)
    assert is_development({"PORTAL_URL": "http://localhost:8000"}, **SIGNS)
    assert is_development({"PORTAL_URL": ""}, **SIGNS)


@pytest.mark.parametrize(
    ("written", "signs"),
    [
        ({}, {"is_served": True}),
        ({}, {"has_tools": False}),
        ({}, {"is_host": True}),
        ({"PORTAL_URL": "https://portal.harbor.example"}, {}),
        ({"PORTAL_URL": "http://192.168.1.5:8000"}, {}),
        ({"PORTAL_URL": "portal"}, {}),
    ],
)
def test_each_sign_of_a_server_alone_keeps_debug_off(
    written: dict[str, str], signs: dict[str, bool]
) -> None:
    assert not is_development(written, **(SIGNS | signs))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["manage.py", "collectstatic", "--no-input"], True),
        (["/srv/portal/manage.py", "help"], True),
        (["manage.py"], True),
        (["manage.py", "worker"], False),
        (["manage.py", "migrate", "collectstatic"], False),
        (["/srv/venv/bin/gunicorn", "collectstatic"], False),
        ([], False),
    ],
)
def test_only_commands_that_need_no_settings_go_without(
    arguments: list[str], expected: bool
) -> None:
    assert is_building(arguments) is expected


def test_a_provider_takes_the_place_of_a_mail_server() -> None:
    settings = GOOD | POSTMARK | {"EMAIL_URL": ""}
    assert refusals(settings, debug=False) == []
    assert remarks(settings) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("EMAIL_PROVIDER", "sendgrid", "must be one of brevo, mailgun"),
        ("EMAIL_PROVIDER", "", "Set EMAIL_PROVIDER, too"),
        ("EMAIL_PROVIDER", "mailgun", "must have MAILGUN_API_KEY and MAILGUN_WEBHOOK"),
        ("EMAIL_PROVIDER_SETTINGS", "", "must have POSTMARK_SERVER_TOKEN for Postmark"),
        ("EMAIL_PROVIDER_SETTINGS", "token", "must be like"),
        ("EMAIL_PROVIDER_SETTINGS", '["token"]', "must be like"),
        ("EMAIL_PROVIDER_SETTINGS", '{"POSTMARK_SERVER_TOKEN": "…"}', "placeholder"),
        ("EMAIL_PROVIDER_SETTINGS",
         '{"POSTMARK_SERVER_TOKEN": "t", "DEBUG_API_REQUESTS": "true"}', "DEBUG_API_REQUESTS"),
        ("EMAIL_PROVIDER_SETTINGS",
         '{"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": "http://x.harbor.example"}',
         "https://"),
        ("EMAIL_WEBHOOK_SECRET", "", "a user and a password"),
        ("EMAIL_WEBHOOK_SECRET", "only-a-password-of-its-own", "a user and a password"),
        ("EMAIL_WEBHOOK_SECRET", "a:short", "20 characters"),
        ("EMAIL_WEBHOOK_SECRET", "user:your-password-of-its-own", "placeholder"),
    ],
)  # fmt: skip
def test_a_provider_needs_all_of_its_settings(name: str, value: str, words: str) -> None:
    found = refusals(GOOD | POSTMARK | {name: value}, debug=False)
    assert any(words in sentence for sentence in found), found
