"""API keys: which account a request is for, or why it's refused."""

from __future__ import annotations

import base64
import binascii
import re

from sandbox.stripe.errors import ApiError

_TEST_KEY = re.compile(r"sk_test_(\w{1,240})|rk_test_(\w{1,240}?)(?:_not_\w+)?", re.ASCII)
_PUBLISHABLE = re.compile(r"pk_(test|live)_\w+")


def account_of(authorization: str | None) -> str:
    """The account of the key in an Authorization header.

    Every test key opens the account of its own name, whether secret (`sk_test_name`) or restricted
    (`rk_test_name`, which may do everything but what it names: `rk_test_name_not_payouts`). Raises
    ApiError 401 for anything else, especially live keys.
    """
    given = _credentials(authorization)
    if not given:
        raise _refused(
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth "
            "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at "
            "https://support.stripe.com/."
        )
    if _PUBLISHABLE.fullmatch(given):
        raise _refused(
            "This API call cannot be made with a publishable API key. Please use a secret API key. "
            "You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
            code="secret_key_required",
        )
    key = _TEST_KEY.fullmatch(given)
    if key is None:
        shown = f"{given[:8]}{'*' * max(0, len(given) - 12)}{given[-4:]}"
        raise _refused(f"Invalid API Key provided: {shown}")
    return key[1] or key[2]


def check_permission(authorization: str | None, path: str) -> None:
    """Refuse what a restricted key names: the first part of an endpoint's path (`payouts`)."""
    given = _credentials(authorization) or ""
    kind = path.removeprefix("/v1/").split("/")[0]
    if given.startswith("rk_") and f"_not_{kind}_not_" in f"{given}_not_":
        raise ApiError(
            403,
            "invalid_request_error",
            f"The provided key 'rk_test_*********{given[-4:]}' does not have the required "
            "permissions for this endpoint. You can manage its permissions at "
            "https://dashboard.stripe.com/test/apikeys.",
        )


def check_platform(account: str | None) -> None:
    """Refuse to act for a connected account: keys here have none."""
    if account:
        raise ApiError(
            403,
            "invalid_request_error",
            f"The provided key does not have access to account '{account}' (or that account does "
            "not exist). Application access may have been revoked.",
            code="account_invalid",
        )


def _refused(message: str, *, code: str | None = None) -> ApiError:
    return ApiError(401, "invalid_request_error", message, code=code)


def _credentials(header: str | None) -> str:
    kind, _, credentials = (header or "").partition(" ")
    if kind.lower() == "bearer":
        return credentials.strip()
    return _basic_user(credentials) if kind.lower() == "basic" else ""


def _basic_user(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
