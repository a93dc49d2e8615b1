"""Why a message couldn't be delivered."""

from __future__ import annotations

from datetime import datetime

from common.queue import Known


class DeliveryProblem(Known):
    """A message wasn't delivered; the text is for staff.

    `is_permanent`: trying again can't help (an address that doesn't exist, a number that said
    STOP). Everything else is retried. `is_our_fault`: our account, sender, or settings were
    refused; nothing gets through until staff fix it. `is_dead`: no mail arrives at the address.
    `not_before`: who refused it wants nothing before then. `is_unknown`: it may have gone out; we
    never learned whether it was taken.
    """

    def __init__(
        self,
        text: str,
        *,
        is_permanent: bool = False,
        is_our_fault: bool = False,
        is_dead: bool = False,
        not_before: datetime | None = None,
        is_unknown: bool = False,
    ) -> None:
        super().__init__(text)
        self.is_permanent = is_permanent
        self.is_our_fault = is_our_fault
        self.is_dead = is_dead
        self.not_before = not_before
        self.is_unknown = is_unknown


class NotYet(DeliveryProblem):
    """An earlier message about the same thing goes first."""
