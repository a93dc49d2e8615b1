"""What a member should know about their email address: mail comes back, or only some is sent."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from billing.core.tones import Alert, Tone
from common import addresses
from emails.models import Suppression, SuppressionReason


def stopped(row: Suppression | None) -> list[Alert]:
    """Say that emails come back, or why only needed ones are sent."""
    if row is None:
        return []
    works = reverse("members:email-works")
    if row.reason == SuppressionReason.COMPLAINED:
        text = _("You marked one of our emails as spam, so we stopped the others.")
        title = _("You only get the emails you need")
        return [Alert(Tone.INFO, title, text, _("Send them again"), works, "post")]
    text = _("Emails to %(email)s come back to us. Change your email, or tell us it works again.")
    return [
        Alert(
            Tone.BAD,
            _("We can’t reach you by email"),
            text % {"email": addresses.readable(row.address)},
            _("Change email"),
            reverse("account_email"),
            second=_("It works again"),
            second_url=works,
        )
    ]
