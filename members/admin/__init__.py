"""Members on the staff site: profiles, consents, sign-ins. A member's page is the back office's."""

from members.admin.accounts import EmailAddressAdmin, UserSessionAdmin
from members.admin.profiles import MemberAdmin, PhoneCodeAdmin, SmsConsentRecordAdmin
from members.admin.records import (
    AccessChangeAdmin,
    AccountActivityAdmin,
    DeviceAdmin,
    SignInAdmin,
    TermsAcceptanceAdmin,
)

__all__ = [
    "AccessChangeAdmin",
    "AccountActivityAdmin",
    "DeviceAdmin",
    "EmailAddressAdmin",
    "MemberAdmin",
    "PhoneCodeAdmin",
    "SignInAdmin",
    "SmsConsentRecordAdmin",
    "TermsAcceptanceAdmin",
    "UserSessionAdmin",
]
