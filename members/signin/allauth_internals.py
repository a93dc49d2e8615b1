"""The only place where we use what allauth calls internal.

allauth has no public way to do these things, and may move or change them in any release. So this
module is tested against the pinned release: an upgrade begins with its test.
"""

from __future__ import annotations

# What an emailed code proves: who owns the address. A link in that email proves the same.
from allauth.account.internal.flows.email_verification import verify_email_indirectly

# Where the session keeps a sign-up that's waiting for an email code, so it can be dropped.
from allauth.account.internal.flows.email_verification_by_code import (
    EMAIL_VERIFICATION_CODE_SESSION_KEY,
    EmailVerificationProcess,
)

# Records how someone proved who they are, for which a sign-up counts, and signs them in.
from allauth.account.internal.flows.login import perform_login, record_authentication

# Whose forgotten password the entered code belongs to.
from allauth.account.internal.flows.password_reset_by_code import PasswordResetVerificationProcess

# Whether an account has anything to confirm with, and the form that's waiting for it.
from allauth.account.internal.flows.reauthentication import (
    STATE_SESSION_KEY,
    get_reauthentication_flows,
)

# The current step of a sign-in.
from allauth.account.internal.stagekit import (
    clear_login,
    get_pending_stage,
    redirect_to_pending_stage,
)

# Users by address, in allauth's order for signing in.
from allauth.account.internal.userkit import filter_users_by_email

# Limits under our own keys, what's left of them, and a code in the form that's compared.
from allauth.core.internal import ratelimit
from allauth.core.internal.cryptokit import normalize_user_code

# Completing the second step of a sign-in, removing what was added for one, and a new secret for an
# authenticator app.
from allauth.mfa.base.internal.flows import delete_and_cleanup, post_authentication
from allauth.mfa.recovery_codes.internal.flows import auto_generate_recovery_codes
from allauth.mfa.totp.internal.auth import generate_totp_secret

# Passkeys: what a browser is asked for, and whether its answer is right.
from allauth.mfa.webauthn.internal import auth as webauthn

# Reads and checks what Apple has signed.
from allauth.socialaccount.internal import jwtkit

__all__ = [
    "EMAIL_VERIFICATION_CODE_SESSION_KEY",
    "STATE_SESSION_KEY",
    "EmailVerificationProcess",
    "PasswordResetVerificationProcess",
    "auto_generate_recovery_codes",
    "clear_login",
    "delete_and_cleanup",
    "filter_users_by_email",
    "generate_totp_secret",
    "get_pending_stage",
    "get_reauthentication_flows",
    "jwtkit",
    "normalize_user_code",
    "perform_login",
    "post_authentication",
    "ratelimit",
    "record_authentication",
    "redirect_to_pending_stage",
    "verify_email_indirectly",
    "webauthn",
]
