"""Settings, read from the environment. `.env.example` explains each name.

The defaults suit a developer's machine, where a plain `python manage.py …` works without setup.
Anywhere else DEBUG is off, and settings that `portal.start_checks` refuses don't start.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from common import addresses, characters, dkim_keys, locales, quiet_hours, region
from common.money import AmountError, parse_money
from common.postgres import embedded_url
from common.web_addresses import in_ascii, passkey_domain
from portal import start_checks
from portal.backoffice.theme import unfold_theme

BASE_DIR = Path(__file__).resolve().parent.parent


class Env(environ.Env):  # type: ignore[misc]  # it ships no types
    """Treats a blank value as missing, except for text, and names settings with bad values."""

    def get_value(self, var: str, cast: Any = None, *arguments: Any, **options: Any) -> Any:
        """Return a setting's value. Raises ImproperlyConfigured: the value may be a secret."""
        is_blank = cast is not str and not os.environ.get(var, "").strip()
        try:
            return super().get_value(f"no {var}" if is_blank else var, cast, *arguments, **options)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} must be a number.") from error


env = Env()
environ.Env.read_env(BASE_DIR / ".env")

# Where we are
# The setting DEBUG means that no members come here, so start checks are those of development.
# Django's own DEBUG, whose error pages show code and values, follows it unless set separately.
DEVELOPMENT = env.bool(
    "DEBUG",
    default=start_checks.is_development(
        os.environ,
        is_served="PORTAL_SERVED" in os.environ,
        has_tools=importlib.util.find_spec("honcho") is not None,
        is_host=Path("/etc/portal.env").exists(),
    ),
)
DEBUG = DEVELOPMENT and env.bool("DEBUG_PAGES", default=True)
# While an image is being built, there are neither secrets nor a database.
BUILDING = start_checks.is_building(sys.argv)
if not BUILDING and (refused := start_checks.refusals(os.environ, debug=DEVELOPMENT)):
    raise ImproperlyConfigured("\n".join(refused))
PORTAL_URL = in_ascii((env.str("PORTAL_URL", default="") or "http://localhost:8000").rstrip("/"))
SECRET_KEY = env.str("SECRET_KEY", default="") or start_checks.DEVELOPMENT_SECRET
# Earlier keys: what they signed or encrypted stays valid.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
HOST = urlsplit(PORTAL_URL).hostname or "localhost"
HERE = [HOST, "127.0.0.1"] if HOST == "localhost" else [HOST]
ALLOWED_HOSTS = [
    addresses.domain_in_ascii(host) for host in env.list("ALLOWED_HOSTS", default=HERE)
]
CSRF_TRUSTED_ORIGINS = [
    in_ascii(origin) for origin in env.list("CSRF_TRUSTED_ORIGINS", default=[PORTAL_URL])
]
HTTPS = PORTAL_URL.startswith("https://")

# Who we are
BRAND_NAME = characters.line(env.str("BRAND_NAME", default="")) or "Portal"
BRAND_COLOR = env.str("BRAND_COLOR", default="#2f5d50")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="").strip() or "help@example.com"
# Where staff are notified if something needs them; empty: only the staff site shows it.
STAFF_EMAIL = addresses.listed(env.str("STAFF_EMAIL", default=""))
POSTAL_ADDRESS = characters.words(env.str("POSTAL_ADDRESS", default=""))
PUBLIC_SITE_URL = in_ascii(env.str("PUBLIC_SITE_URL", default=""))
# What members agree to when they sign up and join; without an address, nothing.
TERMS_URL = in_ascii(env.str("TERMS_URL", default=""))
# The privacy policy, linked where members sign up and agree to texts.
PRIVACY_URL = in_ascii(env.str("PRIVACY_URL", default=""))
TERMS_VERSION = env.str("TERMS_VERSION", default="")[:100]
# Who knows the brand in force (`common.context`): what's above holds for what staff left empty.
BRAND_READER = "business.brand.current"
# And who knows where the business is (`common.region`): its clock, its country, its languages.
REGION_READER = "business.rules.region"
# Who reads the logo's file, for documents.
LOGO_READER = "business.uploads.content_or_nothing"
# Makes the PDF that goes with a receipt, if it's wanted.
ATTACHMENT_MAKER = "billing.pages.attachments.of"
ATTACH_RECEIPTS = env.bool("ATTACH_RECEIPTS", default=False)
# Records what staff take away as a file (see `common.staff.exporting`).
DOWNLOAD_RECORDER = "portal.backoffice.downloads.record"

# Says which saved view a list opens with (see `common.staff.exporting`).
LIST_OPENER = "portal.backoffice.saved_views.opening"

# Stripe
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_PRICE_ID = env.str("STRIPE_PRICE_ID", default="")
# A second, yearly price of the same plan. Empty: there's only one price.
STRIPE_YEARLY_PRICE_ID = env.str("STRIPE_YEARLY_PRICE_ID", default="")
# The customer portal's configuration at Stripe (bpc_…); empty: its default one.
STRIPE_PORTAL_CONFIGURATION = env.str("STRIPE_PORTAL_CONFIGURATION", default="").strip()
# What the membership costs members who pay by Zelle: prices of the same product, a month or a year.
ZELLE_PRICE_ID = env.str("ZELLE_PRICE_ID", default="")
ZELLE_YEARLY_PRICE_ID = env.str("ZELLE_YEARLY_PRICE_ID", default="")
# Whether the membership's Checkout page accepts promo codes.
STRIPE_PROMOTION_CODES = env.bool("STRIPE_PROMOTION_CODES", default=True)
# Whether a@x.com and a+1@x.com are one person, who gets one free trial.
TRIAL_SHARED_BY_PLUS_ADDRESSES = env.bool("TRIAL_SHARED_BY_PLUS_ADDRESSES", default=True)
# Whether Stripe Tax calculates tax at Checkout, which then asks for address and tax ID. How single
# payments are taxed (`inclusive`, `exclusive`), and as what; the plan's prices have their own.
STRIPE_TAX = env.bool("STRIPE_TAX", default=False)
STRIPE_TAX_BEHAVIOR = env.str("STRIPE_TAX_BEHAVIOR", default="inclusive")
STRIPE_TAX_CODE = env.str("STRIPE_TAX_CODE", default="")
if STRIPE_TAX_BEHAVIOR not in ("inclusive", "exclusive"):
    raise ImproperlyConfigured("STRIPE_TAX_BEHAVIOR must be inclusive or exclusive.")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="")
STRIPE_HOSTED_ORIGINS = env.list(
    "STRIPE_HOSTED_ORIGINS",
    default=[
        "https://checkout.stripe.com",
        "https://billing.stripe.com",
        "https://invoice.stripe.com",
        "https://pay.stripe.com",
    ],
)
STRIPE_TIMEOUT_SECONDS = env.float("STRIPE_TIMEOUT_SECONDS", default=10.0)

# Payments besides the membership. Amounts are set in decimal form and kept in minor units.
PAYMENT_CURRENCY = env.str("PAYMENT_CURRENCY", default="usd").lower()
try:
    PAYMENT_MINIMUM = parse_money(
        env.str("PAYMENT_MINIMUM", default="5"), PAYMENT_CURRENCY, locales.PLAIN
    )
    PAYMENT_MAXIMUM = parse_money(
        env.str("PAYMENT_MAXIMUM", default="2000"), PAYMENT_CURRENCY, locales.PLAIN
    )
    PAYMENT_SUGGESTIONS = [
        parse_money(amount, PAYMENT_CURRENCY, locales.PLAIN)
        for amount in env.list("PAYMENT_SUGGESTIONS", default=["25", "50", "100"])
    ]
except AmountError as error:
    raise ImproperlyConfigured(f"A setting PAYMENT_… is wrong. {error}") from error
PAYMENT_REQUEST_DAYS = env.int("PAYMENT_REQUEST_DAYS", default=14)

# Refunds. The policy itself is edited on the staff site.
REFUND_CREDIT_NOTES = env.bool("REFUND_CREDIT_NOTES", default=False)
REFUND_WAITING_DAYS = env.int("REFUND_WAITING_DAYS", default=2)
# The one file that the portal writes; its folder must be writable.
STATE = BASE_DIR / ".data" if DEVELOPMENT else Path("/var/lib/portal")
LEDGER_HEADS_FILE = env.str("LEDGER_HEADS_FILE", default=str(STATE / "ledger-heads"))

# Backups are made outside of the portal. `manage.py doctor` looks at the age of the newest file
# with this name, which may have a *; empty: nobody knows.
BACKUP_FILE = env.str("BACKUP_FILE", default="").strip()
BACKUP_HOURS = env.int("BACKUP_HOURS", default=26)

# Twilio
TWILIO_ACCOUNT_SID = env.str("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env.str("TWILIO_AUTH_TOKEN", default="")
TWILIO_FROM_NUMBER = env.str("TWILIO_FROM_NUMBER", default="")
TWILIO_MESSAGING_SERVICE_SID = env.str("TWILIO_MESSAGING_SERVICE_SID", default="").strip()
TWILIO_API_BASE = env.str("TWILIO_API_BASE", default="")
TWILIO_TIMEOUT_SECONDS = env.float("TWILIO_TIMEOUT_SECONDS", default=10.0)
# Ours alone, under a name that the phone number's library doesn't read: by what's in force
# (`common.region`), only our own forms and searches know a number without its country's code.
PHONE_DEFAULT_REGION = env.str("PHONE_DEFAULT_REGION", default="US")
# django-countries: names as people say them, and a country that ISO 3166 lacks but Stripe has.
COUNTRIES_OVERRIDE = {"US": _("United States"), "XK": _("Kosovo")}
SMS_COUNTRIES = env.list("SMS_COUNTRIES", default=["US", "CA"])

# When texts that can wait aren't sent, by their reader's clock.
try:
    QUIET_HOURS = quiet_hours.parse(env.str("QUIET_HOURS", default="") or "21-8")
except ValueError as error:
    raise ImproperlyConfigured(f"QUIET_HOURS is wrong. {error}") from error

# Email: EMAIL_URL is smtp://user:password@host:port or smtp+tls://…
DEFAULT_FROM_EMAIL = addresses.header(
    env.str("DEFAULT_FROM_EMAIL", default="") or f"{BRAND_NAME} <{SUPPORT_EMAIL}>"
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Under which selectors the domain publishes the keys that sign our mails, for `manage.py doctor`.
DKIM_SELECTORS = env.list("DKIM_SELECTORS", default=[])
# Our own signature on mails, for servers that don't sign; without a selector, there's none.
DKIM_SELECTOR = env.str("DKIM_SELECTOR", default="").strip()
DKIM_PRIVATE_KEY = dkim_keys.pem(env.str("DKIM_PRIVATE_KEY", default=""))
if key_file := env.str("DKIM_PRIVATE_KEY_FILE", default="").strip():
    try:
        DKIM_PRIVATE_KEY = Path(key_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"DKIM_PRIVATE_KEY_FILE can't be read: {error}") from error
DKIM_DOMAIN = addresses.domain_in_ascii(
    env.str("DKIM_DOMAIN", default="").strip()
    or addresses.split(DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
)
if DKIM_SELECTOR and not BUILDING:
    try:
        dkim_keys.public(DKIM_PRIVATE_KEY)
    except dkim_keys.DkimKeyError as error:
        raise ImproperlyConfigured(f"DKIM_SELECTOR is set, but DKIM_PRIVATE_KEY {error}") from error
# Where mails come back to, and the mailbox that it leads to. What's set was checked at the start.
BOUNCE_ADDRESS = addresses.deliverable(env.str("BOUNCE_ADDRESS", default=""))
BOUNCE_MAIL_URL = env.str("BOUNCE_MAIL_URL", default="").strip()
# Where mail programs may send "unsubscribe me" instead; empty: they only get the web address.
UNSUBSCRIBE_EMAIL = env.str("UNSUBSCRIBE_EMAIL", default="").strip()
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_TIMEOUT = 10
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    EMAIL_BACKEND = "emails.smtp.EmailBackend"
# How many messages go a minute; 0 means any number. Developers write to a sandbox.
EMAILS_PER_MINUTE = env.int("EMAILS_PER_MINUTE", default=0 if DEVELOPMENT else 600)
EMAILS_PER_MINUTE_TO_A_DOMAIN = env.int(
    "EMAILS_PER_MINUTE_TO_A_DOMAIN", default=0 if DEVELOPMENT else 120
)
TEXTS_PER_MINUTE = env.int("TEXTS_PER_MINUTE", default=0 if DEVELOPMENT else 60)
# A provider's API instead of a mail server. What's set was checked at the start.
EMAIL_PROVIDER = env.str("EMAIL_PROVIDER", default="").strip().lower()
EMAIL_WEBHOOK_SECRET = env.str("EMAIL_WEBHOOK_SECRET", default="").strip()
ANYMAIL = {
    **env.json("EMAIL_PROVIDER_SETTINGS", default={}),
    "WEBHOOK_SECRET": EMAIL_WEBHOOK_SECRET,
    "REQUESTS_TIMEOUT": EMAIL_TIMEOUT,
}
if EMAIL_PROVIDER:
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_PROVIDER}.EmailBackend"

# The bank's mails about transfers by Zelle (docs/zelle.md). What's set was checked at the start.
BANK_MAIL_URL = env.str("BANK_MAIL_URL", default="").strip()
BANK_MAIL_DOMAINS = [
    addresses.domain_in_ascii(domain.strip())
    for domain in env.list("BANK_MAIL_DOMAINS", default=["chase.com"])
]
BANK_MAIL_RECIPIENTS = [
    addresses.canonical(address)
    for address in addresses.listed(env.str("BANK_MAIL_RECIPIENTS", default=""))
]
# TXT records by name, instead of asking DNS.
BANK_MAIL_KEYS = env.json("BANK_MAIL_KEYS", default={})
# How old a mail may be that still counts.
BANK_MAIL_DAYS = env.int("BANK_MAIL_DAYS", default=7)

# The map of checks by kind: whether a message is still true when it's sent.
MESSAGE_CHECKS = "billing.notices.still_true.CHECKS"

# What must know when a member's email address changes (`members.address_changes`).
ADDRESS_CHANGES = "billing.facts.trials.kept_over_address_change"

# A message about something that happened longer ago than this is not sent: import and repair
# must not write to members about the past.
MESSAGE_MAX_AGE_HOURS = env.int("MESSAGE_MAX_AGE_HOURS", default=72)

INSTALLED_APPS = [
    # Before Django's own, so account commands notify owners.
    "portal.console",
    # Not its default, which puts a site of its own in the place of ours.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "portal.backoffice.admin_app.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "django_countries",
    "django_htmx",
    "template_partials",
    "phonenumber_field",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "procrastinate.contrib.django",
    "portal.apps.PortalConfig",
    "business.apps.BusinessConfig",
    "members.apps.MembersConfig",
    "billing.apps.BillingConfig",
    "emails.apps.EmailsConfig",
    # Last: it completes the staff's roles once all permissions are made.
    "portal.backoffice.apps.BackofficeConfig",
]

# Machine endpoints (webhooks, health) leave at the second line: no session, user, or messages are
# set up for them.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.MachineEndpointMiddleware",
    "portal.middleware.UnreadableTextMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "members.middleware.VisitorsLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.PrivatePagesMiddleware",
    "portal.middleware.HtmxRedirectMiddleware",
    "portal.middleware.WrongMethodMiddleware",
    "members.signin.way_back.WayBackMiddleware",
    "portal.middleware.TooManyRequestsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "members.signin.sessions.LastUseMiddleware",
    "members.signin.staff_gate.StaffSecondStepMiddleware",
    # Dates and words are then the viewed member's.
    "portal.viewing.ViewingMiddleware",
    "members.middleware.TimeZoneMiddleware",
    "members.middleware.LanguageMiddleware",
]

ROOT_URLCONF = "portal.urls"
# The portal has its own host: no header may put it below another path.
FORCE_SCRIPT_NAME = ""
WSGI_APPLICATION = "portal.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["common.components"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "common.context.brand",
            ],
        },
    },
]


def _databases() -> dict[str, Any]:
    if BUILDING:
        return {"default": {"ENGINE": "django.db.backends.dummy"}}
    return {"default": _database(env.str("DATABASE_URL", default="") or embedded_url())}


def _database(url: str) -> dict[str, Any]:
    """Django's settings for a libpq address (a `postgresql://…` URL or `key=value` pairs)."""
    parts = dict(conninfo_to_dict(url))
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST"}
    names |= {"port": "PORT"}
    settings = {django: str(parts.pop(libpq)) for libpq, django in names.items() if libpq in parts}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **settings,
        # Only statements that ask for it are prepared; Django's own cursors never do.
        "OPTIONS": {"prepare_threshold": 0, **parts},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "TEST": {"TEMPLATE": "template0"},
    }


DATABASES = _databases()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Django's own handlers write large files to a disk, which may be read-only.
FILE_UPLOAD_HANDLERS = ["common.uploads.InMemory"]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        # With the default of 300 entries, anyone could flush the sign-in limits stored here.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Queue
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=8)
# A worker without a heartbeat for this long is considered dead, and its jobs are run again. It's
# well above the interval, or a live worker's jobs would be started twice.
HEARTBEAT_SECONDS = 2
STALLED_WORKER_SECONDS = 15
PROCRASTINATE_IMPORT_PATHS = ["emails.tasks_after"]
PROCRASTINATE_WORKER_DEFAULTS = {
    "task_middleware": [region.around_job],
    # Nothing wakes a worker when a lock is released, so a customer's next event is polled for.
    "fetch_job_polling_interval": 0.1,
    "update_heartbeat_interval": HEARTBEAT_SECONDS,
    "stalled_worker_timeout": STALLED_WORKER_SECONDS,
    "delete_jobs": "successful",
    "shutdown_graceful_timeout": 20,
}

# Accounts: email is the login, verified by a code; a phone is optional, verified by a code.
AUTHENTICATION_BACKENDS = ["members.signin.backend.MemberBackend"]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("home")
ACCOUNT_ADAPTER = "members.signin.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "phone", "password1*"]
ACCOUNT_FORMS = {
    "login": "members.signin.forms.LoginForm",
    "request_login_code": "members.signin.forms.RequestLoginCodeForm",
    "reset_password": "members.signin.forms.ForgottenPasswordForm",
    "signup": "members.signin.forms.SignupForm",
    "add_email": "members.signin.forms.AddEmailForm",
    "change_phone": "members.signin.forms.ChangePhoneForm",
    "change_password": "members.signin.forms.ChangePasswordForm",
    "set_password": "members.signin.forms.SetPasswordForm",
    "reset_password_from_key": "members.signin.forms.ResetPasswordForm",
    "confirm_email_verification_code": "members.signin.forms.EmailCodeForm",
    "confirm_login_code": "members.signin.forms.LoginCodeForm",
    "confirm_password_reset_code": "members.signin.forms.PasswordCodeForm",
    "verify_phone": "members.signin.forms.PhoneCodeForm",
}
# Digits only, so code fields bring up a phone's number pad.
ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
# Changing the address would reveal whether the first one has an account: start over instead.
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = False
ACCOUNT_PHONE_VERIFICATION_ENABLED = True
ACCOUNT_PHONE_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_SUPPORTS_CHANGE = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 10 * 60
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
# The password link that staff have emailed to someone.
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_CONFIRMATION_AUTHENTICATED_REDIRECT_URL = reverse_lazy("members:account")
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_USER_DISPLAY = "members.display.user_display"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# Signing in with Google or Apple: each is offered once the portal is registered there.
SIGN_IN_WITH: dict[str, dict[str, str]] = {}
if google := env.str("GOOGLE_CLIENT_ID", default="").strip():
    SIGN_IN_WITH["google"] = {
        "client_id": google,
        "secret": env.str("GOOGLE_CLIENT_SECRET", default="").strip(),
        "authorize_url": env.str("GOOGLE_AUTHORIZE_URL", default="")
        or "https://accounts.google.com/o/oauth2/v2/auth",
        "token_url": env.str("GOOGLE_TOKEN_URL", default="")
        or "https://oauth2.googleapis.com/token",
    }
if apple := env.str("APPLE_CLIENT_ID", default="").strip():
    SIGN_IN_WITH["apple"] = {
        "client_id": apple,
        "team": env.str("APPLE_TEAM_ID", default="").strip(),
        "secret": env.str("APPLE_KEY_ID", default="").strip(),
        "private_key": env.str("APPLE_PRIVATE_KEY", default="", multiline=True).strip(),
        "base": env.str("APPLE_API_BASE", default="") or "https://appleid.apple.com",
    }
for provider, registered in SIGN_IN_WITH.items():
    if not all(registered.values()):
        raise ImproperlyConfigured(
            f"Signing in with {provider.title()} needs all of its settings (see .env.example)."
        )
# Where the buttons lead, which the policy for forms must allow.
SIGN_IN_ORIGINS = [
    "{0.scheme}://{0.netloc}".format(urlsplit(one.get("authorize_url") or one["base"]))
    for one in SIGN_IN_WITH.values()
]
SOCIALACCOUNT_ADAPTER = "members.signin.social_adapter.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "google": {"SCOPE": ["openid", "email", "profile"], "OAUTH_PKCE_ENABLED": True},
}
# An answer that joins an account by its address (`members.signin.social`) stays connected with it.
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
USERSESSIONS_TRACK_ACTIVITY = False
USERSESSIONS_ADAPTER = "members.signin.sessions.UserSessionsAdapter"
# The second step at sign-in, which anyone can add: an authenticator app, passkeys, recovery codes.
# A passkey alone signs in, too. Passkeys belong to a domain; without one ("") there are none.
PASSKEY_DOMAIN = passkey_domain(PORTAL_URL)
MFA_ADAPTER = "members.signin.mfa.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", *(["webauthn"] if PASSKEY_DOMAIN else [])]
MFA_PASSKEY_LOGIN_ENABLED = True
# A passkey is only taken from someone whom the device has recognized: by finger, face, or PIN.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# ACCOUNT_RATE_LIMITS has the limits of passkeys.
MFA_RATE_LIMITS = {"webauthn_login": None}
MFA_FORMS = {
    "authenticate": "members.signin.mfa_forms.AuthenticateForm",
    "reauthenticate": "members.signin.mfa_forms.ReauthenticateForm",
    "activate_totp": "members.signin.mfa_forms.ActivateForm",
    "add_webauthn": "members.signin.passkey_forms.AddForm",
    "edit_webauthn": "members.signin.passkey_forms.RenameForm",
    "login_webauthn": "members.signin.passkey_forms.SignInForm",
    "authenticate_webauthn": "members.signin.passkey_forms.SecondStepForm",
    "reauthenticate_webauthn": "members.signin.passkey_forms.ConfirmForm",
}
# A code is valid for half a minute more at both ends: clocks differ, and people type slowly.
MFA_TOTP_TOLERANCE = 1
# Whether the staff site requires it.
STAFF_NEED_SECOND_FACTOR = env.bool("STAFF_NEED_SECOND_FACTOR", default=HTTPS and not DEVELOPMENT)
# On top of allauth's own limits: a sign-up sends an email to any address that's entered, and a
# mistyped phone number must not cost a minute.
ACCOUNT_RATE_LIMITS = {
    "signup": "20/m/ip,200/d/ip",
    "change_phone": "5/m/user",
    # Each request sends a mail and allows three guesses: a few per day limit both.
    "request_login_code": "20/m/ip,200/d/ip,3/m/key,15/d/key",
    "reset_password": "20/m/ip,200/d/ip,3/m/key,10/d/key",
    # Links of payment requests: guesses, and presses of "Pay" for one request.
    "pay_link_unknown": "30/m/ip,300/d/ip",
    "pay_link": "10/m/key,30/m/ip",
    # Short addresses in texts: guesses.
    "text_link_unknown": "30/m/ip,300/d/ip",
    "confirm_email": "1/10s/key,30/d/key",
    # Entering codes (`members.signin.forms.GuessesCounted`). The key is one code in one browser,
    # whose session counts three tries, but not those that are sent at the same moment.
    "enter_code": "5/10m/key,20/m/ip,100/d/ip",
    # Authenticator codes; the key is the user, whose password was already right.
    "enter_second_step": "5/5m/key,60/d/key,10/m/ip",
    # Answers of passkeys, by network: nobody can guess one, so no account needs a limit.
    "sign_in_link": "20/m/ip",
    # Ways to Google or Apple, and their answers.
    "sign_in_with": "60/m/ip,600/d/ip",
    "passkey": "30/m/ip",
    "passkey_challenge": "60/m/ip",
    # Checking passwords, by network: our form counts them, as allauth would include known devices.
    "login": None,
    "sign_in": "30/m/ip",
    # Texting codes: the key is the number, or for members their own key for it
    # (`members.signin.sms_limits`).
    "verify_phone": None,
    "text_code": "1/30s/key,3/m/ip",
    "text_code_of_member": "1/30s/key",
    # Messages from the help page: a member's, a visitor's, and all visitors' together.
    "help_of_member": "3/10m/key,10/d/key",
    "help_of_visitor": "3/h/ip,10/d/ip,3/h/key",
    "help_of_visitors": "30/h/key,100/d/key",
    # HELP by text: each unknown number's, and all of theirs together. The key is the number.
    "text_help": "2/d/key",
    "text_help_of_strangers": "100/d/key",
    # A browser that has signed in before has these to itself (`members.signin.budgets`): tries
    # elsewhere, or behind the same address, don't use them up.
    "login_failed_on_device": "5/5m/key,30/d/key",
    "request_login_code_on_device": "3/m/key,15/d/key",
    "reset_password_on_device": "3/m/key,10/d/key",
    "enter_code_on_device": "5/10m/key",
    "enter_second_step_on_device": "5/5m/key,60/d/key",
}
# How many codes we text in 24 hours (`members.signin.sms_limits`); the last two limit the bill.
SMS_CODES_PER_DAY = {
    "phone": 6,
    "member": 10,
    "client": 20,
    "country": env.int("SMS_CODES_PER_COUNTRY_PER_DAY", default=200),
    "total": env.int("SMS_CODES_PER_DAY", default=300),
}
# How many other texts go out in 24 hours (`emails.text_caps`).
TEXTS_PER_DAY = {
    "person": env.int("TEXTS_PER_PERSON_PER_DAY", default=10),
    "country": env.int("TEXTS_PER_COUNTRY_PER_DAY", default=2000),
    "total": env.int("TEXTS_PER_DAY", default=3000),
}
# How many texts to our number are kept for staff in 24 hours: one number's, and all unknown ones'.
TEXTS_TO_US_PER_DAY = {"person": 20, "strangers": 100}
# Our reverse proxy sets X-Forwarded-For; allauth's rate limits count by that address.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
# How long we keep who signed in when and from where: banks ask months after a payment.
SIGN_INS_KEPT_DAYS = env.int("SIGN_INS_KEPT_DAYS", default=540)
# A local database of networks and places, in MaxMind's format. Empty: pages name no places.
GEOIP_PATH = env.str("GEOIP_PATH", default="").strip()
# How long a browser that has signed in is recognized (`members.signin.devices`).
DEVICES_KEPT_DAYS = env.int("DEVICES_KEPT_DAYS", default=180)
# What else is deleted every night (docs/privacy.md): event payloads, messages' recipients and
# contents, and failed jobs.
PAYLOADS_KEPT_DAYS = env.int("PAYLOADS_KEPT_DAYS", default=90)
MESSAGES_KEPT_DAYS = env.int("MESSAGES_KEPT_DAYS", default=540)
JOBS_KEPT_DAYS = env.int("JOBS_KEPT_DAYS", default=30)
# New passwords are hashed by the first; an older hash is replaced when its owner signs in.
PASSWORD_HASHERS = [
    "members.signin.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Language and time. Each member's own are activated for their requests.
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = locales.languages(BASE_DIR / "locale")
# How dates and money are written, whatever the language (`common.locales`).
LOCALE = env.str("LOCALE", default="en_US")
try:
    LANGUAGE_CODE = locales.best_of(LANGUAGES, LOCALE)
except ValueError as error:
    raise ImproperlyConfigured(f"LOCALE is wrong. {error}") from error
TIME_ZONE = env.str("TIME_ZONE", default="America/New_York")
USE_I18N = True
USE_TZ = True

# Pictures that staff upload: in a folder, or at a service that speaks S3. `business.uploads` serves
# them, so neither needs to be public.
UPLOADS_DIR = env.str("UPLOADS_DIR", default=str(STATE / "uploads"))
UPLOADS_S3_BUCKET = env.str("UPLOADS_S3_BUCKET", default="").strip()


def _uploads() -> dict[str, Any]:
    if not UPLOADS_S3_BUCKET:
        backend = "django.core.files.storage.FileSystemStorage"
        return {"BACKEND": backend, "OPTIONS": {"location": UPLOADS_DIR}}
    options = {
        "bucket_name": UPLOADS_S3_BUCKET,
        "endpoint_url": env.str("UPLOADS_S3_URL", default="") or None,
        "region_name": env.str("UPLOADS_S3_REGION", default="") or None,
        "access_key": env.str("UPLOADS_S3_KEY_ID", default="") or None,
        "secret_key": env.str("UPLOADS_S3_SECRET_KEY", default="") or None,
        "location": env.str("UPLOADS_S3_FOLDER", default="").strip("/"),
        # Names are hashes of the content: there's nothing else to overwrite.
        "file_overwrite": True,
        "default_acl": None,
    }
    return {"BACKEND": "common.s3.Storage", "OPTIONS": options}


# Static files
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "uploads": _uploads(),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

# Security
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "members.signin.session_store"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "members.signin.way_back.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, *STRIPE_HOSTED_ORIGINS, *SIGN_IN_ORIGINS],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}
# Unfold's pages run Alpine.js, which evaluates expressions and sets styles.
STAFF_CONTENT_SECURITY_POLICY = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "script-src": [SELF, "'unsafe-eval'"],
    "style-src": [SELF, "'unsafe-inline'"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "common.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"level": "INFO", "handlers": ["console"], "propagate": False},
        "procrastinate": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        # It would log the number of each passkey that's used.
        "fido2": {"level": "WARNING"},
        # It would log every line of every mail.
        "imapclient": {"level": "WARNING"},
        "stripe": {"level": "WARNING"},
        "twilio": {"level": "WARNING"},
    },
}

UNFOLD = unfold_theme()
