"""The forms behind the staff's buttons for a member's address and number."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from common.fields import MailboxField, WordsField
from members import mailboxes, phones

MAY_CORRECT = "members.correct_contact"


def may_correct(request: HttpRequest, object_id: str = "") -> bool:
    """Whether this staff member may correct contact data of a member who isn't staff."""
    if not request.user.has_perm(MAY_CORRECT):
        return False
    users = User.objects.filter(pk=object_id) if str(object_id).isdecimal() else None
    return users is None or any(row.is_active and not row.is_staff for row in users)


class CorrectEmail(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """The new address."""

    email = MailboxField(label="New email address", widget=UnfoldAdminEmailInputWidget)

    def clean_email(self) -> str:
        """Refuse an address that our mail server can't deliver to."""
        email = str(self.cleaned_data["email"])
        mailboxes.check_reachable(email)
        return email


class CorrectPhone(BaseDialogForm):  # type: ignore[misc]
    """The new number."""

    phone = WordsField(label="New phone number", max_length=32, widget=UnfoldAdminTextInputWidget)

    def clean_phone(self) -> str:
        """Return it in E.164."""
        return phones.normalize(self.cleaned_data["phone"])
