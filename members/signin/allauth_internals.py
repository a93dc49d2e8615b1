"""What we use of allauth that it calls internal: here and nowhere else.

allauth has no public way to do these things. It may move or change them in any release, so this
module is tested against the release that is pinned: an upgrade begins with its test.
"""

from __future__ import annotations

# Where a sign-up that waits for an email code stands in its session, so that it can be let go.
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    EmailVerificationProcess,
)

# Notes how somebody proved who they are. A sign-up counts as such a proof.
from allauth.account.internal.flows.login import record_authentication

# Whose forgotten password the code that was entered belongs to.
from allauth.account.internal.flows.password_reset_by_code import PasswordResetVerificationProcess

# Whether an account has anything to confirm with, and the form that waits for it.
from allauth.account.internal.flows.reauthentication import (
    STATE_SESSION_KEY,
    get_reauthentication_flows,
)

# The step of a sign-in that somebody is at.
from allauth.account.internal.stagekit import (
    clear_login,
    get_pending_stage,
    redirect_to_pending_stage,
)

# Users by address, in the order that allauth signs them in by.
from allauth.account.internal.userkit import filter_users_by_email

# Limits under keys of our own, what is left of them, and a code as it is compared.
from allauth.core.internal import ratelimit
from allauth.core.internal.cryptokit import normalize_user_code

# The end of a sign-in's second step, and a secret for an authenticator app.
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.totp.internal.auth import generate_totp_secret

__all__ = [
    "EMAIL_VERIFICATION_CODE_SESSION_KEY",
    "STATE_SESSION_KEY",
    "EmailVerificationProcess",
    "PasswordResetVerificationProcess",
    "clear_login",
    "filter_users_by_email",
    "generate_totp_secret",
    "get_pending_stage",
    "get_reauthentication_flows",
    "normalize_user_code",
    "post_authentication",
    "ratelimit",
    "record_authentication",
    "redirect_to_pending_stage",
]
