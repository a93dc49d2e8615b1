"""What the home page says while an account is about to be closed."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.core.dates import long_date
from billing.core.tones import Alert, Tone
from portal.models import PlannedClosing


def alert(user: User) -> Alert | None:
    """Return when the account closes, with the button that keeps it; None if it stays."""
    planned = PlannedClosing.objects.planned().filter(user=user).first()
    if planned is None:
        return None
    if planned.held_because:
        return Alert(
            Tone.WAIT,
            _("Your account can’t be closed yet"),
            _("Something has to be settled first. Changed your mind? Keep it with one click."),
            _("See what’s left"),
            reverse("selfservice:close"),
        )
    return Alert(
        Tone.WAIT,
        _("Your account closes on %(day)s") % {"day": long_date(planned.closes_at)},
        _("Changed your mind? Keep it with one click until then."),
        _("Keep my account"),
        reverse("selfservice:close-undo"),
        "post",
    )
