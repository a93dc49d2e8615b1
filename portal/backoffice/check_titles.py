"""What the doctor's checks are called, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TITLES: Mapping[str, str | Promise] = {
    "host.name": _("Name"),
    "host.certificate": _("HTTPS certificate"),
    "host.answers": _("Address"),
    "host.disk": _("Disk space"),
    "host.python": _("Python"),
    "host.django": _("Django"),
    "data.database": _("PostgreSQL"),
    "data.migrations": _("Migrations"),
    "host.static": _("Static files"),
    "data.backup": _("Backup"),
    "mail.server": _("Mail server"),
    "mail.provider": _("Email provider"),
    "mail.spf": _("SPF"),
    "mail.dkim": _("DKIM"),
    "mail.signature": _("Our DKIM signature"),
    "mail.dmarc": _("DMARC"),
    "mail.bounces": _("Bounces"),
    "texts.sender": _("Sender"),
    "texts.carriers": _("US carriers"),
    "bank.mailbox": _("Mailbox"),
    "portal.settings": _("Settings"),
    "portal.rules": _("Rules of the owners"),
    "portal.worker": _("Worker"),
    "portal.backlog": _("Backlog"),
    "portal.ledger": _("Refund ledger"),
    "portal.books": _("Closed months"),
    "portal.problems": _("Known problems"),
    "stripe.key": _("Key"),
    "stripe.account": _("Account"),
    "stripe.permissions": _("Permissions of the key"),
    "stripe.webhook": _("Webhook endpoint"),
    "stripe.secret": _("Signing secret"),
    "stripe.prices": _("Prices"),
    "stripe.card_page": _("Card page"),
    "stripe.branding": _("Its own pages"),
    "stripe.emails": _("Its own emails"),
    "stripe.tax": _("Tax"),
    "host.clock": _("Clock"),
}


def of(finding: Mapping[str, str]) -> str:
    """Return the title of a stored finding; of a check that's gone, as it was stored."""
    return str(TITLES.get(finding["key"], finding["title"]))
