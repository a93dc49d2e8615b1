"""Which way emails go, and whether one that may have gone out goes again as the same email."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from common import addresses
from common.mail_providers import PROVIDERS, Provider, is_same_again

SMTP = "smtp"


@dataclass(frozen=True)
class Way:
    """A provider or a mail server, and the domain of our sender, which `Message-ID`s have, too."""

    carrier: str
    domain: str

    def __str__(self) -> str:
        return f"{self.carrier} {self.domain}"

    @property
    def provider(self) -> Provider | None:
        """The provider, or None for a mail server."""
        return PROVIDERS.get(self.carrier)

    @property
    def keeps_ours(self) -> bool:
        """Whether mails arrive under our `Message-ID`, by which mail programs show two as one."""
        return self.provider is None or self.provider.keeps_ours


def current() -> Way:
    """Return the way that the settings name."""
    _name, address = addresses.split(addresses.header(settings.DEFAULT_FROM_EMAIL))
    return Way(settings.EMAIL_PROVIDER or SMTP, address.rpartition("@")[2] or "localhost")


def why_another(first: str, waited: timedelta) -> str:
    """Return why another try would be another email, or "".

    `first` is the way of the try that may have worked, or "" if that wasn't noted yet; `waited` is
    how long ago it was.
    """
    now = current()
    before = Way(*first.split(" ", 1)) if first else now
    if before.domain != now.domain:
        return f"it came from {before.domain} before"
    if before.keeps_ours and now.keeps_ours:
        return ""
    if before.carrier != now.carrier:
        return f"it went by {before.provider.name if before.provider else 'a mail server'} before"
    if now.provider and not is_same_again(now.provider, waited):
        return f"{now.provider.name} wouldn't recognize it"
    return ""
