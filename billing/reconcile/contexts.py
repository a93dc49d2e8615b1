"""What the invitation after an import may say."""

from __future__ import annotations

from dataclasses import dataclass

from emails.catalog import Kind
from emails.contexts import MessageContext


@dataclass(frozen=True, kw_only=True)
class Invitation(MessageContext):
    """A customer of an imported account may sign up with their address."""

    kind = Kind.INVITATION
    name: str
    address: str
    url: str
