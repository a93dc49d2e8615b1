"""The form of the help page."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from common.fields import MailboxField, WordsField
from members.forms import NAME_LENGTH, clean_name
from portal.models import SupportMessage
from portal.selfservice.contact import Wish

LONGEST = SupportMessage._meta.get_field("words").max_length


class HelpForm(forms.Form):
    """What a member writes to us. `page` is where they came from."""

    words = WordsField(
        label=_("Your message"),
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    page = WordsField(required=False, max_length=2000, widget=forms.HiddenInput)
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, page: str = "") -> None:
        super().__init__(data, initial={"page": page, "key": uuid.uuid4()})

    def wish(self) -> Wish:
        """Return what was sent; the form must be valid."""
        values = self.cleaned_data
        return Wish(
            key=values["key"],
            words=values["words"],
            page=values["page"],
            name=values.get("name", ""),
            email=values.get("email", ""),
        )


class VisitorsHelpForm(HelpForm):
    """What somebody writes who isn't signed in. `website` is a trap that people don't see."""

    field_order = ["name", "email", "words"]
    name = WordsField(
        label=_("Your name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = MailboxField(label=_("Your email address"))
    website = WordsField(required=False, max_length=200)

    def clean_name(self) -> str:
        """Refuse links, as at sign-up."""
        return clean_name(self.cleaned_data["name"])

    def clean_website(self) -> str:
        """Refuse what only a program fills in."""
        if self.cleaned_data["website"]:
            raise ValidationError(_("Please leave this empty."))
        return ""
