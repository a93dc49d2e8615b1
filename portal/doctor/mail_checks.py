"""Checks of what carries messages: mail server, the sender's domain, texts, the bank's mailbox."""

from __future__ import annotations

import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone

from common import addresses, dkim_keys, imap_addresses, imap_folders
from common.mail_providers import PROVIDERS
from common.staff import show
from emails import text_messages, text_registration
from emails.models import Channel, Message
from emails.problems import DeliveryProblem
from emails.text_registration import Kind, Registration, Standing
from portal.doctor.names import LookupFailedError, records
from portal.doctor.results import Check, Result, fail, ok, unknown, warn

INBOUND, REPORTS = "/sms/inbound/", "/email/events/"
# When a provider has reported on an email that it took, and how far back we look.
REPORTS_AFTER, REPORTS_WITHIN = timedelta(hours=1), timedelta(days=7)
LOOK_UP = "In Twilio’s console, look under Messaging, Regulatory compliance."


def server() -> Result:
    """Whether the mail server accepts our connection and sign-in; no mail is sent."""
    backend = get_connection()
    if not isinstance(backend, EmailBackend):
        return _without_server()
    place = f"{backend.host}:{backend.port}"
    try:
        backend.open()
        if backend.connection:
            backend.connection.noop()
    except smtplib.SMTPAuthenticationError as error:
        text = f"The mail server {place} doesn’t accept our sign-in (code {error.smtp_code})."
        return fail(text, "Check user and password in EMAIL_URL.")
    except (smtplib.SMTPException, OSError) as error:
        remedy = "Check host, port, and encryption in EMAIL_URL. Some hosts block port 25."
        return fail(f"The mail server {place} can’t be used: {error}", remedy)
    finally:
        backend.close()
    if backend.use_tls or backend.use_ssl:
        return ok(f"The mail server {place} accepts our sign-in, encrypted.")
    if backend.host in {"127.0.0.1", "localhost", "::1"}:
        return ok(f"The mail server {place} answers.")
    remedy = "Use smtp+tls:// or smtp+ssl:// in EMAIL_URL."
    return warn(f"The mail server {place} answers, but the connection isn’t encrypted.", remedy)


def _without_server() -> Result:
    if provider := PROVIDERS.get(settings.EMAIL_PROVIDER):
        return ok(f"Emails go out by {provider.name}’s API.")
    text = "Emails aren’t sent: they’re printed or thrown away, codes included."
    remedy = "Set EMAIL_URL to your mail server."
    return warn(text, remedy) if settings.DEVELOPMENT else fail(text, remedy)


def sending_domain() -> str:
    """Return the domain that our emails come from."""
    _name, address = addresses.split(settings.DEFAULT_FROM_EMAIL)
    return addresses.domain_in_ascii(address.rpartition("@")[2])


def spf() -> Result:
    """Whether the sending domain says who may send for it."""
    domain = sending_domain()
    try:
        found = [one for one in records(domain, "TXT") if one.lower().startswith("v=spf1")]
    except LookupFailedError as error:
        return unknown(str(error))
    if len(found) == 1:
        return ok(f"{domain} has an SPF record: {found[0]}")
    if found:
        remedy = "Join them into one: with two, neither counts."
        return fail(f"{domain} has {len(found)} SPF records.", remedy)
    remedy = "Add the TXT record that your mail provider names, beginning with v=spf1."
    return warn(f"{domain} has no SPF record, so our emails may be taken for spam.", remedy)


def signature() -> Result:
    """Whether DNS has the public half of the key that we sign with ourselves."""
    selector, domain = settings.DKIM_SELECTOR, settings.DKIM_DOMAIN
    if not selector:
        return ok("Emails aren’t signed here. Most mail providers sign them.")
    name, wanted = f"{selector}._domainkey.{domain}", dkim_keys.public(settings.DKIM_PRIVATE_KEY)
    try:
        found = [dkim_keys.published(text) for text in records(name, "TXT")]
    except LookupFailedError as error:
        return unknown(str(error))
    remedy = f"Publish this TXT record at {name}: v=DKIM1; k=rsa; p={wanted}"
    if found != [wanted]:
        text = f"{name} has another key than the one that we sign with" if any(found) else (
            f"{name} has no key"
        )  # fmt: skip
        return fail(f"{text}, so our signatures don’t count.", remedy)
    sender = sending_domain()
    if sender != domain and not sender.endswith(f".{domain}"):
        text = f"We sign for {domain}, but emails come from {sender}, so DMARC doesn’t count it."
        return fail(text, "Set DKIM_DOMAIN to the domain of DEFAULT_FROM_EMAIL.")
    return ok(f"{name} has the key that we sign with.")


def dkim() -> Result:
    """Whether the keys that sign our emails are published."""
    domain, selectors = sending_domain(), settings.DKIM_SELECTORS
    if not selectors and settings.DKIM_SELECTOR:
        return ok("Which keys your mail provider signs with isn’t set, and we sign ourselves.")
    if not selectors:
        remedy = "Set DKIM_SELECTORS to the selectors that your mail provider names."
        return unknown(f"Which DKIM keys sign for {domain} can’t be told from here.", remedy)
    try:
        missing = [
            one for one in selectors
            if not any("p=" in text for text in records(f"{one}._domainkey.{domain}", "TXT"))
        ]  # fmt: skip
    except LookupFailedError as error:
        return unknown(str(error))
    if not missing:
        return ok(f"{domain} publishes the DKIM keys {', '.join(selectors)}.")
    remedy = "Add the records that your mail provider names."
    return fail(f"{domain} doesn’t publish the DKIM keys {', '.join(missing)}.", remedy)


def dmarc() -> Result:
    """Whether the domain says what to do with mails that aren't from it."""
    domain = sending_domain()
    parent = ".".join(domain.split(".")[-2:])
    try:
        found = [
            text for name in dict.fromkeys((domain, parent))
            for text in records(f"_dmarc.{name}", "TXT") if text.lower().startswith("v=dmarc1")
        ]  # fmt: skip
    except LookupFailedError as error:
        return unknown(str(error))
    if found:
        return ok(f"{domain} has a DMARC record: {found[0]}")
    remedy = f"Add a TXT record at _dmarc.{parent}, such as v=DMARC1; p=none"
    return warn(f"{domain} has no DMARC record. Gmail and Yahoo expect one.", remedy)


def sender() -> Result:
    """Whether Twilio lets us send texts from our number, and where replies go."""
    if not settings.TWILIO_ACCOUNT_SID:
        return ok("Text messages are off.")
    try:
        return _judged(text_messages.sender(), settings.TWILIO_FROM_NUMBER)
    except DeliveryProblem as error:
        return fail(f"Twilio can’t be used. {error}", "Check the settings TWILIO_….")


def _judged(found: text_messages.Sender, number: str) -> Result:
    if found.status != "active":
        remedy = "Open Twilio’s console, which says why."
        return fail(f"The Twilio account is {found.status}.", remedy)
    if not found.is_ours:
        return fail(f"The Twilio account has no number {number}.", "Check TWILIO_FROM_NUMBER.")
    if not found.sends_texts:
        remedy = "Choose a number with SMS in Twilio’s console."
        return fail(f"{number} can’t send texts.", remedy)
    return _of_replies(found, number)


def _of_replies(found: text_messages.Sender, number: str) -> Result:
    """Judge where replies go: a Messaging Service may have its own address for them."""
    wanted = f"{settings.PORTAL_URL}{INBOUND}"
    try:
        service = text_registration.replies()
    except DeliveryProblem as error:
        remedy = "With restricted keys, allow Messaging to be read."
        return unknown(f"{number} can send texts. Where replies go can’t be told. {error}", remedy)
    if service is None or service.follows_number:
        url, where = found.inbound_url, "the number’s “A message comes in”"
    else:
        url, where = service.url, f"the Messaging Service “{service.service}”, under Integration,"
    if url != wanted:
        text = f"Replies to {number} go to {url or 'nobody'}, so STOP isn’t noted."
        return warn(text, f"In Twilio’s console, set {where} to {wanted} (HTTP POST).")
    return ok(f"{number} can send texts, and replies come here.")


def carriers() -> Result:
    """Whether US carriers know our campaign (A2P 10DLC), or our toll-free number."""
    if not settings.TWILIO_ACCOUNT_SID:
        return ok("Text messages are off.")
    try:
        found = text_registration.registration()
    except DeliveryProblem as error:
        remedy = "Check the settings TWILIO_…. With restricted keys, allow Messaging to be read."
        return unknown(f"Twilio doesn’t say whether US carriers accept our texts. {error}", remedy)
    if found.kind is Kind.NONE:
        return ok("The number isn’t American, so it needs no A2P 10DLC registration.")
    return _of_toll_free(found) if found.kind is Kind.TOLL_FREE else _of_campaign(found)


def _of_campaign(found: Registration) -> Result:
    number, in_service = settings.TWILIO_FROM_NUMBER, f"the Messaging Service “{found.service}”"
    if found.standing is Standing.MISSING:
        return _without_campaign(number, in_service if found.service else "")
    if found.standing is Standing.UNKNOWN:
        text = f"Twilio calls the state of the campaign “{found.said}”, which we don’t know."
        return unknown(text, LOOK_UP)
    campaign, so = "The campaign (A2P 10DLC)", "so US carriers block our texts."
    if found.standing is Standing.IN_REVIEW:
        text = f"{campaign} is being reviewed. Until then, US carriers block our texts."
        return warn(text, "Wait: a review may take weeks. Twilio’s console shows how far it is.")
    if found.standing is Standing.REFUSED:
        remedy = (
            "In Twilio’s console, open Messaging, Regulatory compliance, Campaigns; correct what it"
            " names, and submit the campaign again."
        )
        return fail(f"{campaign} was refused, {so} {found.reason}".strip(), remedy)
    if found.standing is Standing.SUSPENDED:
        return fail(f"{campaign} is suspended, {so}", "Ask Twilio’s support what to change.")
    return ok(f"US carriers know our campaign: {number} belongs to {in_service}.")


def _without_campaign(number: str, in_service: str) -> Result:
    if in_service:
        text = f"{in_service[:1].upper()}{in_service[1:]} has no campaign, so US carriers block"
        remedy = "In Twilio’s console, open Messaging, Regulatory compliance, and register one."
        return fail(f"{text} our texts.", f"{remedy} The use case is account notifications.")
    text = f"{number} is in no Messaging Service with a campaign, so US carriers block our texts."
    remedy = (
        "In Twilio’s console, register a brand and a campaign under Messaging, Regulatory"
        " compliance, and add the number to the campaign’s Messaging Service."
    )
    return fail(text, remedy)


def _of_toll_free(found: Registration) -> Result:
    number = settings.TWILIO_FROM_NUMBER
    if found.standing is Standing.VERIFIED:
        return ok(f"The toll-free number {number} is verified.")
    if found.standing is Standing.IN_REVIEW:
        text = f"The verification of the toll-free number {number} is still being reviewed."
        return warn(text, "Wait: until then, carriers block its texts.")
    if found.standing is Standing.UNKNOWN:
        text = f"Twilio calls the state of the verification “{found.said}”, which we don’t know."
        return unknown(text, LOOK_UP)
    text = f"The toll-free number {number} isn’t verified, so carriers block its texts."
    if found.standing is Standing.REFUSED:
        text = f"{text} Twilio refused the verification. {found.reason}"
    remedy = "In Twilio’s console, open the number, Regulatory information, and submit it."
    return fail(text.strip(), remedy)


def bank_mailbox() -> Result:
    """Whether the bank's mailbox can be opened, if one is set."""
    if not settings.BANK_MAIL_URL:
        return ok("No bank mailbox is set.")
    address = imap_addresses.parse(settings.BANK_MAIL_URL)
    try:
        with imap_folders.opened(address):
            return ok(f"The bank’s mailbox can be opened ({address.name}).")
    except imap_folders.MailboxError as error:
        return fail(f"The bank’s mailbox can’t be opened. {error}", "Check BANK_MAIL_URL.")


def _reports(provider: str) -> Result:
    """Whether the provider reports what becomes of emails."""
    now = timezone.now()
    sent = Message.objects.filter(
        channel=Channel.EMAIL, sent_at__gt=now - REPORTS_WITHIN, sent_at__lt=now - REPORTS_AFTER
    )
    url = f"{settings.PORTAL_URL}{REPORTS}"
    remedy = f"At {provider}, add a webhook for delivered, bounced, and complained to {url}"
    if not sent.exists():
        return unknown(f"No email went out lately, so {provider} had nothing to report.", remedy)
    if not sent.exclude(provider_status="").exists():
        text = f"{provider} has reported nothing about {show.count(sent.count(), 'email')}."
        return warn(text, f"{remedy}, with the user and password in EMAIL_WEBHOOK_SECRET.")
    return ok(f"{provider} reports what becomes of emails.")


def bounce_mailbox() -> Result:
    """Whether we learn which emails come back, from a mailbox or the email provider."""
    if provider := PROVIDERS.get(settings.EMAIL_PROVIDER):
        return _reports(provider.name)
    if not settings.BOUNCE_MAIL_URL:
        remedy = "Set BOUNCE_ADDRESS and BOUNCE_MAIL_URL, if your mail server lets you."
        text = "No mailbox for bounces is set, so we don’t learn which emails come back."
        return unknown(text, remedy)
    address = imap_addresses.parse(settings.BOUNCE_MAIL_URL)
    try:
        with imap_folders.opened(address):
            return ok(f"The mailbox for bounces can be opened ({address.name}).")
    except imap_folders.MailboxError as error:
        text = f"The mailbox for bounces can’t be opened. {error}"
        return fail(text, "Check BOUNCE_MAIL_URL.")


CHECKS = (
    Check("mail.server", server),
    Check("mail.spf", spf),
    Check("mail.dkim", dkim),
    Check("mail.signature", signature),
    Check("mail.dmarc", dmarc),
    Check("mail.bounces", bounce_mailbox),
    Check("texts.sender", sender),
    Check("texts.carriers", carriers),
    Check("bank.mailbox", bank_mailbox),
)
