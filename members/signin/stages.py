"""Sign-up steps that differ from allauth's."""

from typing import Any

from allauth.account.stages import PhoneVerificationStage as AllauthPhoneVerificationStage
from allauth.core.exceptions import RateLimited
from django.contrib import messages

from members import consent


class PhoneVerificationStage(AllauthPhoneVerificationStage):  # type: ignore[misc]  # untyped
    """Ask for the phone's code once, at sign-up.

    allauth asks at every login until the number is verified, and answers 429 if it can't send:
    anyone who mistyped their number would be locked out forever. The phone is optional here; an
    unverified one only means no texts, and the account page offers to verify it.
    """

    def handle(self) -> tuple[Any, bool]:
        """Send the code, or continue if there's nothing to verify or no code left."""
        if not (self.login.signup and self.login.user):
            return None, True
        try:
            response, goes_on = super().handle()
        except RateLimited:
            return self._go_on_without_code()
        return response, goes_on

    def _go_on_without_code(self) -> tuple[None, bool]:
        consent.drop_wish(self.request)
        messages.warning(
            self.request,
            "We could not text a code to your phone just now. You can verify it under Account.",
        )
        return None, True
