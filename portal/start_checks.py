"""Settings that keep the portal from starting, and settings to complete before going live.

Pure: it judges the settings as they're written, in the environment or in `.env`. `portal.settings`
refuses to load if `refusals` has a sentence; `check --deploy` shows `remarks`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from common import addresses
from portal import bank_checks, bounce_checks, provider_checks

Settings = Mapping[str, str]
Rule = Callable[[Settings], Iterator[str]]

DEVELOPMENT_SECRET = "development-only-secret-key-never-used-in-production"  # noqa: S105
# Commands that need neither a database nor secrets, so an image can be built without them.
BUILD_COMMANDS = frozenset({"collectstatic", "help", "version", "--help", "-h", "--version"})

# Django's own minimum (security.W009), and the least that's left of a random key once repetition
# is squeezed out of it.
SECRET_LENGTH = 50
SECRET_SQUEEZED = 40
HOW_TO = 'set it to what this prints: python3 -c "import secrets; print(secrets.token_urlsafe(64))"'

STRIPE = "https://api.stripe.com"
HERE = frozenset({"127.0.0.1", "localhost", "::1"})
# Placeholders that people leave in, including the ellipses in our own docs.
PLACEHOLDER = re.compile(
    r"replace[-_ ]?(me|this)|change[-_ ]?(me|this|it)|place[-_ ]?holder|fill[-_ ]?in|x{5,}|…|\.\.\."
    r"|your[-_ ](secret|key|password|token|domain|host|name|e?-?mail|address)"
    r"|\bexample\.(com|net|org)\b|^<.*>$",
    re.IGNORECASE,
)
MAY_BE_PLACEHOLDERS = (
    *("PORTAL_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL"),
    *("SUPPORT_EMAIL", "STAFF_EMAIL", "DEFAULT_FROM_EMAIL", "EMAIL_URL"),
    *("POSTAL_ADDRESS", "PUBLIC_SITE_URL", "TERMS_URL", "PRIVACY_URL"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_PRICE_ID", "STRIPE_YEARLY_PRICE_ID"),
    *("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER"),
    *("BANK_MAIL_URL", "BANK_MAIL_RECIPIENTS", "BOUNCE_ADDRESS", "BOUNCE_MAIL_URL"),
    *("EMAIL_PROVIDER_SETTINGS", "EMAIL_WEBHOOK_SECRET"),
)
ADDRESSES = (
    *(
        "PORTAL_URL",
        "CSRF_TRUSTED_ORIGINS",
        "PUBLIC_SITE_URL",
        "TERMS_URL",
        "PRIVACY_URL",
        "EMAIL_URL",
    ),
    *("STRIPE_API_BASE", "STRIPE_HOSTED_ORIGINS", "TWILIO_API_BASE"),
)
# Values in .env.example that look real.
EXAMPLES = {
    "POSTAL_ADDRESS": "1 Harbor Street, Portland, ME 04101",
    "TWILIO_FROM_NUMBER": "+15005550006",
}
EXAMPLE_PASSWORDS = frozenset({"password", "secret", "changeme"})
TWILIO = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER")
# EMAIL_URL backends that send nothing.
UNSENT = frozenset({"consolemail", "dummymail", "filemail", "memorymail"})


def is_development(settings: Settings, *, is_served: bool, has_tools: bool, is_host: bool) -> bool:
    """Return whether DEBUG is on by default: only for a developer's `manage.py`.

    A server set up according to our docs meets none of the four conditions. Its web process is
    served; it has only the packages of requirements.txt, not those of the demo and the tests; the
    systemd units' settings file exists; and the portal's address isn't this machine's own.
    """
    address = _value(settings, "PORTAL_URL")
    is_here = not address or _split(address).hostname in HERE
    return has_tools and is_here and not is_served and not is_host


def is_building(arguments: Sequence[str]) -> bool:
    """Return whether this process is a `manage.py` command that needs no settings."""
    program, command = (*arguments, "", "")[:2]
    return PurePath(program).name == "manage.py" and (command or "help") in BUILD_COMMANDS


def refusals(settings: Settings, *, debug: bool) -> list[str]:
    """Return why the portal doesn't start with these settings, one sentence per fault."""
    rules = (*ALWAYS, *(WITH_DEBUG if debug else WITHOUT_DEBUG))
    return [sentence for rule in rules for sentence in rule(settings)]


class Remark(NamedTuple):
    """What's left to set before going live, in a sentence."""

    setting: str
    sentence: str


def remarks(settings: Settings) -> list[Remark]:
    """Return what's left to set before going live, although the portal starts."""
    return [remark for rule in BEFORE_PEOPLE_COME for remark in rule(settings)]


def _remark(setting: str, what: str) -> Remark:
    return Remark(setting, f"{setting} {what}")


def _value(settings: Settings, name: str) -> str:
    return settings.get(name, "").strip()


def _list(settings: Settings, name: str) -> list[str]:
    return [one.strip() for one in settings.get(name, "").split(",") if one.strip()]


def _split(address: str) -> SplitResult:
    """Return an address's parts; an invalid one has none."""
    try:
        parts = urlsplit(address)
        _ = parts.port, parts.hostname
    except ValueError:
        return urlsplit("")
    return parts


def _is_live(settings: Settings) -> bool:
    return _value(settings, "STRIPE_SECRET_KEY").startswith(("sk_live_", "rk_live_"))


# In every mode


def _stripe_key(settings: Settings) -> Iterator[str]:
    key = _value(settings, "STRIPE_SECRET_KEY")
    if PLACEHOLDER.search(key):
        return
    if key.startswith("pk_"):
        yield "STRIPE_SECRET_KEY is the publishable key: the secret one begins with sk_ or rk_."
    elif key and not key.startswith(("sk_", "rk_")):
        yield "STRIPE_SECRET_KEY is not one of Stripe's: a secret key begins with sk_ or rk_."


def _live_key_stays_at_stripe(settings: Settings) -> Iterator[str]:
    if not _is_live(settings):
        return
    base = _value(settings, "STRIPE_API_BASE").rstrip("/")
    if base not in {"", STRIPE}:
        yield "STRIPE_API_BASE is not Stripe's own address, and STRIPE_SECRET_KEY is a live key."
    if any(_split(one).scheme != "https" for one in _list(settings, "STRIPE_HOSTED_ORIGINS")):
        yield "STRIPE_HOSTED_ORIGINS must begin with https:// where STRIPE_SECRET_KEY is live."
    twilio = _value(settings, "TWILIO_API_BASE")
    host = _split(twilio).hostname or ""
    if twilio and not (twilio.startswith("https://") and host.endswith(".twilio.com")):
        yield "TWILIO_API_BASE is not Twilio's own address, and STRIPE_SECRET_KEY is a live key."


def _database_is_postgres(settings: Settings) -> Iterator[str]:
    url = _value(settings, "DATABASE_URL")
    if url and _conninfo(url) is None:
        yield "DATABASE_URL is not an address of PostgreSQL (postgresql://user:password@host/name)."


def _addresses_can_be_read(settings: Settings) -> Iterator[str]:
    for name in ADDRESSES:
        values = _list(settings, name) if name.endswith("S") else [_value(settings, name)]
        if any(value and not _split(value).scheme for value in values):
            yield f"{name} is not an address: its https:// or the like, or its port, is wrong."


def _color(settings: Settings) -> Iterator[str]:
    color = _value(settings, "BRAND_COLOR")
    if color and not re.fullmatch(r"#?([0-9a-f]{3}|[0-9a-f]{6})", color, re.IGNORECASE):
        yield "BRAND_COLOR is not a color such as #2f5d50 (in quotes, or # begins a comment)."


def _mail_addresses(settings: Settings) -> Iterator[str]:
    support = _value(settings, "SUPPORT_EMAIL")
    if support and (reason := addresses.fault(support)):
        yield f"SUPPORT_EMAIL {reason}"
    for address in addresses.listed(settings.get("STAFF_EMAIL", "")):
        if reason := addresses.fault(address):
            yield f"STAFF_EMAIL has {address!r}, which {reason}"
    sender = _value(settings, "DEFAULT_FROM_EMAIL")
    if sender and (reason := addresses.fault(sender, may_have_name=True)):
        yield f"DEFAULT_FROM_EMAIL {reason}"


def _bank_mails(settings: Settings) -> Iterator[str]:
    yield from bank_checks.refusals(settings, is_live=_is_live(settings))
    url = _value(settings, "BANK_MAIL_URL")
    if url and not PLACEHOLDER.search(url) and not _value(settings, "BANK_MAIL_RECIPIENTS"):
        yield "Set BANK_MAIL_RECIPIENTS, too: only mails to these addresses count."


def _conninfo(url: str) -> dict[str, object] | None:
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error:
        return None


# With DEBUG only, and without it


def _no_live_key_while_developing(settings: Settings) -> Iterator[str]:
    if _is_live(settings):
        yield "STRIPE_SECRET_KEY is a live key, and DEBUG is on: develop with a test key."


def _database(settings: Settings) -> Iterator[str]:
    url = _value(settings, "DATABASE_URL")
    if not url:
        yield "Set DATABASE_URL: only with DEBUG does the portal start a database of its own."
        return
    password = str((_conninfo(url) or {}).get("password", ""))
    if password.lower() in EXAMPLE_PASSWORDS and not PLACEHOLDER.search(url):
        yield "DATABASE_URL has the password of an example: give the database one of its own."


def _secret(settings: Settings) -> Iterator[str]:
    key = _value(settings, "SECRET_KEY")
    if not key:
        yield f"SECRET_KEY is not set: {HOW_TO}"
    elif reason := _weakness(key):
        yield f"SECRET_KEY {reason}: {HOW_TO}"
    for old in _list(settings, "SECRET_KEY_FALLBACKS"):
        if reason := _weakness(old):
            yield f"A key in SECRET_KEY_FALLBACKS {reason}: anybody could sign with it."


def _weakness(key: str) -> str:
    if key == DEVELOPMENT_SECRET:
        return "is the one of development, which everybody knows"
    if key.startswith("django-insecure-"):
        return "begins with django-insecure-, as made-up keys of new projects do"
    if PLACEHOLDER.search(key):
        return "is a placeholder"
    if len(key) < SECRET_LENGTH:
        return f"is too short (fewer than {SECRET_LENGTH} characters)"
    if len(zlib.compress(key.encode(), 9)) < SECRET_SQUEEZED:
        return "repeats itself and can be guessed"
    return ""


def _address(settings: Settings) -> Iterator[str]:
    address = _value(settings, "PORTAL_URL")
    parts = _split(address)
    if not address:
        yield "Set PORTAL_URL to the https:// address that people type, or DEBUG=true to develop."
    elif PLACEHOLDER.search(address) or not parts.scheme:
        return
    elif parts.scheme != "https" and _is_live(settings):
        yield "PORTAL_URL must begin with https://, most of all where STRIPE_SECRET_KEY is live."
    elif parts.scheme != "https":
        yield "PORTAL_URL must begin with https:// unless DEBUG is on."
    elif not parts.hostname or parts.username or parts.path.strip("/") or parts.query:
        yield "PORTAL_URL must be https:// and a host, with nothing behind it."


def _hosts(settings: Settings) -> Iterator[str]:
    if any("*" in host or host == "." for host in _list(settings, "ALLOWED_HOSTS")):
        yield "ALLOWED_HOSTS must not have a * in it: name the hosts, or leave it out."
    origins = _list(settings, "CSRF_TRUSTED_ORIGINS")
    if any(_split(origin).hostname == "*" for origin in origins):
        yield "CSRF_TRUSTED_ORIGINS must not have a * for a host: name the origins."


def _support(settings: Settings) -> Iterator[str]:
    if not _value(settings, "SUPPORT_EMAIL"):
        yield "Set SUPPORT_EMAIL to the address at which members reach you."


def _placeholders(settings: Settings) -> Iterator[str]:
    for name in MAY_BE_PLACEHOLDERS:
        value = _value(settings, name)
        if PLACEHOLDER.search(value) or value == EXAMPLES.get(name, "\0"):
            yield f"{name} still is a placeholder: set it to yours, or leave it out."
        elif name in {"EMAIL_URL", "BANK_MAIL_URL"} and _is_example_of_mail(value):
            yield f"{name} still is the example: set it to your mail server's."


def _texts_have_policies(settings: Settings) -> Iterator[str]:
    """Carriers require a privacy policy and terms before anyone may send texts."""
    missing = [name for name in ("PRIVACY_URL", "TERMS_URL") if not _value(settings, name)]
    if missing and all(_value(settings, name) for name in TWILIO):
        yield f"Set {' and '.join(missing)}: members must be able to read it to agree to texts."


def _is_example_of_mail(url: str) -> bool:
    parts = _split(url)
    return parts.hostname == "host" or (parts.username, parts.password) == ("user", "password")


# Before going live


def _stripe_is_complete(settings: Settings) -> Iterator[Remark]:
    key = _value(settings, "STRIPE_SECRET_KEY")
    if not key:
        yield _remark("STRIPE_SECRET_KEY", "is not set: nothing is on sale.")
        return
    if not _is_live(settings):
        yield _remark("STRIPE_SECRET_KEY", "is a test key: no payment is real.")
    secrets = _list(settings, "STRIPE_WEBHOOK_SECRETS")
    if not secrets:
        yield _remark("STRIPE_WEBHOOK_SECRETS", "is not set: Stripe's events are refused.")
    if any(not secret.startswith("whsec_") for secret in secrets):
        yield _remark("STRIPE_WEBHOOK_SECRETS", "has a value that is no signing secret (whsec_…).")
    yield from _prices(settings)
    if _value(settings, "STRIPE_API_BASE").rstrip("/") not in {"", STRIPE}:
        yield _remark("STRIPE_API_BASE", "is set: payments go to another server than Stripe's.")


def _prices(settings: Settings) -> Iterator[Remark]:
    price, yearly = _value(settings, "STRIPE_PRICE_ID"), _value(settings, "STRIPE_YEARLY_PRICE_ID")
    if not price:
        yield _remark("STRIPE_PRICE_ID", "is not set: nobody can become a member.")
    elif price == yearly:
        yield _remark("STRIPE_YEARLY_PRICE_ID", "is the same price as STRIPE_PRICE_ID.")
    for name, value in {"STRIPE_PRICE_ID": price, "STRIPE_YEARLY_PRICE_ID": yearly}.items():
        if value.startswith("prod_"):
            yield _remark(name, "is a product: take the id of its price (price_…).")


def _texts_are_complete(settings: Settings) -> Iterator[Remark]:
    missing = [name for name in TWILIO if not _value(settings, name)]
    if missing and len(missing) < len(TWILIO):
        sentence = f"{' and '.join(missing)} must be set, too, or no text message is sent."
        yield Remark(missing[0], sentence)
    sender = _value(settings, "TWILIO_FROM_NUMBER")
    if sender and not re.fullmatch(r"\+[1-9]\d{6,14}", sender):
        yield _remark("TWILIO_FROM_NUMBER", "is not a number in E.164, such as +12075550123.")
    service = _value(settings, "TWILIO_MESSAGING_SERVICE_SID")
    if service and not re.fullmatch(r"MG[0-9a-f]{32}", service):
        yield _remark("TWILIO_MESSAGING_SERVICE_SID", "is not a Messaging Service's SID (MG…).")
    if _value(settings, "TWILIO_API_BASE") and not missing:
        yield _remark(
            "TWILIO_API_BASE", "is set: text messages go to another server than Twilio's."
        )


def _mail_is_sent(settings: Settings) -> Iterator[Remark]:
    if _value(settings, "EMAIL_PROVIDER"):
        return
    url = _value(settings, "EMAIL_URL")
    if not url or _split(url).scheme in UNSENT:
        yield _remark(
            "EMAIL_URL", "names no mail server: mails are printed or thrown away, codes included."
        )


def _proxy_is_known(settings: Settings) -> Iterator[Remark]:
    if _value(settings, "TRUSTED_PROXIES") in {"", "0"}:
        yield _remark(
            "TRUSTED_PROXIES",
            "is 0: the proxy that ends HTTPS before the portal is not believed, so every page "
            "redirects to itself, and all visitors share one address's limits.",
        )


def _host_is_answered_to(settings: Settings) -> Iterator[Remark]:
    host, allowed = (
        _split(_value(settings, "PORTAL_URL")).hostname,
        _list(settings, "ALLOWED_HOSTS"),
    )
    if allowed and host and not any(_covers(one.lower(), host) for one in allowed):
        yield _remark("ALLOWED_HOSTS", "lacks the host in PORTAL_URL: every page is refused.")


def _covers(allowed: str, host: str) -> bool:
    return allowed == host or (allowed.startswith(".") and f".{host}".endswith(allowed))


def _business_is_named(settings: Settings) -> Iterator[Remark]:
    if _value(settings, "BRAND_NAME") in {"", "Portal", "Harbor Yoga"}:
        yield _remark("BRAND_NAME", "is not yours: it is everywhere, unless staff saved a name.")
    if not _value(settings, "STAFF_EMAIL"):
        yield _remark(
            "STAFF_EMAIL", "is not set: nobody is written to when a dispute or a refund waits."
        )
    if not _value(settings, "POSTAL_ADDRESS"):
        yield _remark("POSTAL_ADDRESS", "is not set: emails show none, unless staff saved one.")


def _bank_mails_are_checked(settings: Settings) -> Iterator[Remark]:
    yield from (_remark(name, what) for name, what in bank_checks.remarks(settings))


ALWAYS: tuple[Rule, ...] = (
    *(_addresses_can_be_read, _color, _stripe_key, _live_key_stays_at_stripe),
    *(_database_is_postgres, _mail_addresses, _bank_mails, bounce_checks.refusals),
    provider_checks.refusals,
)
WITH_DEBUG: tuple[Rule, ...] = (_no_live_key_while_developing,)
WITHOUT_DEBUG: tuple[Rule, ...] = (
    *(_database, _secret, _address, _hosts, _support, _texts_have_policies),
    _placeholders,
)
BEFORE_PEOPLE_COME: tuple[Callable[[Settings], Iterator[Remark]], ...] = (
    _stripe_is_complete,
    _texts_are_complete,
    _mail_is_sent,
    _proxy_is_known,
    _host_is_answered_to,
    _business_is_named,
    _bank_mails_are_checked,
)
