"""The tables of someone's data about their account: who they are, how they sign in, what we wrote.

Secrets are left out: passwords, the second step's keys, and what cookies hold would help nobody but
a thief. So are the names of staff.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from emails import reading
from emails.models import Message, MessageState, NotificationChoice, Suppression
from members.models import (
    AccessChange,
    AccountActivity,
    Device,
    Member,
    PhoneCode,
    SignIn,
    SmsConsentRecord,
    TermsAcceptance,
)
from portal.models import (
    DataExport,
    MemberTag,
    MemberViewing,
    PlannedClosing,
    StaffNote,
    SupportMessage,
)
from portal.selfservice.data_columns import Column, Kind, Table, flag, made, number, text, time

ACCOUNT = Table(
    "account",
    _("Your account."),
    lambda user: User.objects.filter(pk=user.pk),
    (
        text("first_name", _("First name.")),
        text("last_name", _("Last name.")),
        text("email", _("The address that you sign in with.")),
        time("date_joined", _("When you signed up.")),
        time("last_login", _("When you last signed in.")),
        flag("is_staff", _("Whether you may open the staff site.")),
    ),
    User,
    frozenset(["password", "username", "is_superuser", "is_active", "groups", "user_permissions"]),
)
PROFILE = Table(
    "profile",
    _("Your phone number and preferences."),
    lambda user: Member.objects.filter(user=user),
    (
        text("phone", _("Your phone number.")),
        time("phone_verified_at", _("When you verified it.")),
        time("sms_consent_at", _("When you last agreed to text messages.")),
        text("sms_consent_source", _("Where you agreed.")),
        time("sms_stopped_at", _("When you stopped them.")),
        text("language", _("Your language.")),
        text("time_zone", _("Your time zone; empty: the same as ours.")),
    ),
    Member,
)
ADDRESSES = Table(
    "email-addresses",
    _("Your email addresses."),
    lambda user: EmailAddress.objects.filter(user=user).order_by("pk"),
    (
        text("email", _("The address.")),
        flag("verified", _("Whether you have shown that it’s yours.")),
        flag("primary", _("Whether we write to it.")),
    ),
    EmailAddress,
)
CONSENTS = Table(
    "text-message-consents",
    _("Each time you agreed to text messages or stopped them."),
    lambda user: SmsConsentRecord.objects.filter(member__user=user).order_by("pk"),
    (
        time("happened_at", _("When.")),
        flag("agreed", _("Whether you agreed or stopped them.")),
        text("source", _("Where.")),
        text("phone", _("Your number at that time.")),
        text("words", _("What you agreed to, or what your text said.")),
        text("ip", _("The IP address.")),
    ),
    SmsConsentRecord,
)
NOTIFICATIONS = Table(
    "notifications",
    _("What you turned on or off on your page of notifications."),
    lambda user: NotificationChoice.objects.filter(user=user).order_by("pk"),
    (
        text("topic", _("What it’s about.")),
        text("channel", _("Email or text message.")),
        flag("is_on", _("Whether you get it.")),
        time("changed_at", _("When you last changed that.")),
    ),
    NotificationChoice,
)
STOPPED = Table(
    "addresses-with-fewer-emails",
    _("Addresses of yours that only got the emails you need."),
    lambda user: Suppression.objects.filter(user=user).order_by("pk"),
    (
        time("happened_at", _("Since when.")),
        text("address", _("The address.")),
        text("reason", _("Whether emails came back, or one was marked as spam.")),
        text("source", _("Who told us.")),
        text("words", _("What the mail server said.")),
        time("released_at", _("When it ended.")),
    ),
    Suppression,
    frozenset(["message", "released_by"]),
)
TERMS = Table(
    "terms-accepted",
    _("The terms that you accepted."),
    lambda user: TermsAcceptance.objects.filter(user=user).order_by("pk"),
    (
        time("happened_at", _("When.")),
        text("version", _("Which version.")),
        text("url", _("Where the text is.")),
        text("where", _("Where you accepted it.")),
        text("ip", _("From which IP address."), "ip_address"),
    ),
    TermsAcceptance,
)
SIGN_INS = Table(
    "sign-ins",
    _("Your sign-ins."),
    lambda user: SignIn.objects.filter(user=user).order_by("pk"),
    (
        time("happened_at", _("When.")),
        text("ip", _("From which IP address."), "ip_address"),
        text("user_agent", _("With which browser, as it names itself."), "browser"),
        text("method", _("How: password, code by email, second step.")),
    ),
    SignIn,
)
ACTIVITY = Table(
    "account-activity",
    _("Changes of your account and your membership."),
    lambda user: AccountActivity.objects.filter(user=user).order_by("pk"),
    (
        time("happened_at", _("When.")),
        text("kind", _("What changed.")),
        text("by", _("Who changed it: you, our team, or Stripe and your bank.")),
        text("detail", _("A passkey’s name, a card, or a plan.")),
        text("ip", _("From which IP address."), "ip_address"),
        text("user_agent", _("With which browser, as it names itself."), "browser"),
    ),
    AccountActivity,
)
SESSIONS = Table(
    "sessions",
    _("Where you’re signed in now."),
    lambda user: UserSession.objects.filter(user=user).order_by("pk"),
    (
        time("created_at", _("Since when.")),
        time("last_seen_at", _("When it was last used, if that’s known.")),
        text("ip", _("From which IP address."), "ip_address"),
        text("user_agent", _("With which browser, as it names itself."), "browser"),
    ),
    UserSession,
    frozenset(["session_key", "data"]),
)
DEVICES = Table(
    "known-browsers",
    _("Browsers that you have signed in with, which strangers can’t lock out."),
    lambda user: Device.objects.filter(user=user).order_by("pk"),
    (
        time("created_at", _("When you first signed in with it.")),
        time("seen_at", _("When you last signed in with it.")),
    ),
    Device,
    frozenset(["browser", "password"]),
)
SECOND_STEPS = Table(
    "second-steps",
    _("Your second steps of signing in, without their secrets."),
    lambda user: Authenticator.objects.filter(user=user).order_by("pk"),
    (
        text("type", _("What kind it is.")),
        time("created_at", _("When you added it.")),
        time("last_used_at", _("When you last used it.")),
    ),
    Authenticator,
    frozenset(["data"]),
)
CONNECTIONS = Table(
    "connected-accounts",
    _("Your accounts at Google or Apple that sign you in here."),
    lambda user: SocialAccount.objects.filter(user=user).order_by("pk"),
    (
        text("provider", _("Whose account it is.")),
        text("uid", _("The provider’s number for it."), "number"),
        Column(
            "email",
            Kind.TEXT,
            _("Its address, as the provider told us."),
            lambda row: str(row.extra_data.get("email", "")),
            "extra_data",
        ),
        time("date_joined", _("When you connected it.")),
        time("last_login", _("When you last signed in with it.")),
    ),
    SocialAccount,
)
PHONE_CODES = Table(
    "phone-codes",
    _("Codes that we texted in the last week. The codes themselves aren’t kept."),
    lambda user: PhoneCode.objects.filter(user=user).order_by("pk"),
    (
        time("sent_at", _("When.")),
        text("phone", _("To which number.")),
        text("country", _("The number’s country.")),
        text("client", _("From which IP address or network it was asked for."), "ip_address"),
    ),
    PhoneCode,
)
ACCESS_CHANGES = Table(
    "access-changes",
    _("Changes of what you may do on the staff site, and who opened your account for you."),
    lambda user: AccessChange.objects.filter(user=user).order_by("pk"),
    (
        time("happened_at", _("When.")),
        text("what", _("What changed.")),
        text("origin", _("Which way.")),
        flag("holds", _("Whether it keeps you from decisions about money for a day.")),
    ),
    AccessChange,
    frozenset(["actor"]),
)
MESSAGES = Table(
    "messages",
    _("Emails and text messages that we sent you, as far as they’re kept."),
    # What still waits is a draft: it may become another message, or never be sent.
    lambda user: reading.with_texts(
        Message.objects.filter(user=user).exclude(state=MessageState.QUEUED)
    ).order_by("pk"),
    (
        time("created_at", _("When we wrote it.")),
        text("kind", _("What kind of message.")),
        text("channel", _("Email or text message.")),
        text("recipient", _("To which address or number.")),
        text("subject", _("Its subject.")),
        made("text", _("What it said; codes and old messages aren’t kept."), reading.text_of,
             "context"),
        text("state", _("What became of it.")),
        number("attempts", _("How often we tried to send it.")),
        text("error", _("Why it didn’t go through.")),
        time("sent_at", _("When it was sent.")),
        time("delivered_at", _("When it was delivered, if that’s known.")),
        text("provider_id", _("Its number at the mail or text message service.")),
        text("provider_status", _("That service’s word for what became of it.")),
        time("emptied_at", _("When we removed what it said.")),
    ),
    Message,
    frozenset(
        """
        cause dedupe_key is_our_fault resend_of resent_by expires_at waits_until sending_at
        unknown_since tried_by
        empty_when_done segments price price_currency
        link_key says_stop country waits_for turns_taken
        """.split()
    ),
)  # fmt: skip
WRITTEN = Table(
    "messages-to-us",
    _("What you wrote to us, on the help page or by text."),
    lambda user: SupportMessage.objects.filter(user=user).order_by("pk"),
    (
        time("created_at", _("When.")),
        text("words", _("What you wrote.")),
        text("page", _("The page you came from.")),
        text("phone", _("The number you texted from.")),
        time("answered_at", _("When we marked it as answered.")),
    ),
    SupportMessage,
    frozenset(["key", "name", "email", "answered_by"]),
)
CLOSINGS = Table(
    "planned-closings",
    _("Each time you or our team planned to close your account."),
    lambda user: PlannedClosing.objects.filter(user=user).order_by("pk"),
    (
        time("created_at", _("When.")),
        time("closes_at", _("When it was to be closed.")),
        text("state", _("What became of it.")),
        text("held_because", _("What holds it up.")),
        text("reason", _("Why our team planned it, if they did.")),
        time("ended_at", _("When it was taken back.")),
    ),
    PlannedClosing,
    frozenset(["stopped", "ended_by", "planned_by"]),
)
NOTES = Table(
    "notes-about-you",
    _("What our team wrote down about you."),
    lambda user: StaffNote.objects.filter(user=user).order_by("pk"),
    (
        time("created_at", _("When.")),
        text("words", _("What it says.")),
        time("removed_at", _("When we removed it.")),
    ),
    StaffNote,
    frozenset(["key", "author", "removed_by"]),
)
TAGS = Table(
    "tags",
    _("Words by which our team finds you in a list."),
    lambda user: MemberTag.objects.filter(user=user).order_by("pk"),
    (
        time("created_at", _("When you got it.")),
        text("name", _("The word.")),
        time("removed_at", _("When we removed it.")),
    ),
    MemberTag,
    frozenset(["added_by", "removed_by"]),
)
VIEWINGS = Table(
    "viewed-by-our-team",
    _("When our team looked at the portal as you see it."),
    lambda user: MemberViewing.objects.filter(user=user).order_by("pk"),
    (
        time("started_at", _("From.")),
        time("ended_at", _("Until, if they stopped.")),
        time("ends_at", _("Until when at the latest.")),
    ),
    MemberViewing,
    frozenset(["viewer"]),
)
EXPORTS = Table(
    "data-downloads",
    _("Copies of your data that were asked for in the last days."),
    lambda user: DataExport.objects.filter(user=user).order_by("created_at"),
    (
        time("created_at", _("When it was asked for.")),
        text("state", _("What became of it.")),
        time("made_at", _("When it was ready.")),
        time("expires_at", _("Until when it’s kept.")),
        time("fetched_at", _("When it was last downloaded.")),
    ),
    DataExport,
    frozenset(["asked_by", "size"]),
)
TABLES = [
    *(
        ACCOUNT,
        PROFILE,
        ADDRESSES,
        CONSENTS,
        NOTIFICATIONS,
        STOPPED,
        TERMS,
        SIGN_INS,
        ACTIVITY,
        SESSIONS,
    ),
    *(
        DEVICES,
        SECOND_STEPS,
        CONNECTIONS,
        PHONE_CODES,
        ACCESS_CHANGES,
        MESSAGES,
        WRITTEN,
        CLOSINGS,
        NOTES,
        TAGS,
        VIEWINGS,
        EXPORTS,
    ),
]
