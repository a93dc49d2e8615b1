"""The internals of allauth that we use match the pinned release."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from members.signin import allauth_internals as internals

ROOT = Path(__file__).resolve().parents[3]
# The release whose internals were read. Another one: read them again, then change this.
READ = "65.21.1"


def test_the_release_is_the_one_whose_internals_were_read() -> None:
    assert version("django-allauth") == READ
    assert f"\ndjango-allauth=={READ} " in (ROOT / "requirements.txt").read_text()


@pytest.mark.parametrize(
    ("function", "taken"),
    [
        (internals.clear_login, ["request"]),
        (
            internals.filter_users_by_email,
            ["email", "is_active", "prefer_verified", "for_login"],
        ),
        (internals.generate_totp_secret, ["length"]),
        (internals.get_pending_stage, ["request"]),
        (internals.get_reauthentication_flows, ["user"]),
        (internals.normalize_user_code, ["code"]),
        (
            internals.post_authentication,
            ["request", "authenticator", "reauthenticated", "passwordless"],
        ),
        (internals.perform_login, ["request", "login"]),
        (internals.verify_email_indirectly, ["request", "user", "email"]),
        (internals.record_authentication, ["request", "user", "method", "extra_data"]),
        (internals.redirect_to_pending_stage, ["request", "stage"]),
        (internals.ratelimit.get_rates, ["app", "action", "config"]),
        (internals.ratelimit.get_cache_key, ["request", "app", "action", "rate", "key", "user"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_function_takes_what_we_give_it(function: Callable[..., Any], taken: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == taken


def test_a_limit_is_spent_under_an_app_and_a_key_of_ours() -> None:
    taken = inspect.signature(internals.ratelimit.consume).parameters

    assert {"request", "app", "action", "key"} <= set(taken)


@pytest.mark.parametrize(
    "process", [internals.EmailVerificationProcess, internals.PasswordResetVerificationProcess]
)
def test_a_process_is_taken_up_from_the_session(process: Any) -> None:
    assert list(inspect.signature(process.resume).parameters)[:1] == ["request"]


def test_session_keys_are_as_rows_of_open_sessions_have_them() -> None:
    assert internals.EMAIL_VERIFICATION_CODE_SESSION_KEY == "account_email_verification_code"
    assert internals.STATE_SESSION_KEY == "account_reauthentication_state"
