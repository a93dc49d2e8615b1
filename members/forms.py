"""The profile's form, and what the forms of sign-up share with it."""

from __future__ import annotations

import html

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.html import format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.context import current_brand
from common.fields import WordsField
from members import languages, names, time_zones
from members.models import Member

NAME_LENGTH = 150


def text_message_terms() -> SafeString:
    """Return what a member agrees to, in the words that carriers' rules require.

    Who sends what and how often, what it costs, how to stop and get help, that it's optional, and
    the owner's policies (CTIA, "Messaging Principles and Best Practices"; Twilio's A2P 10DLC).
    """
    text = format_html(
        _(
            "{name} will text you about your payments and your account, about one to five times a "
            "month. Message and data rates may apply. Reply STOP to cancel anytime, HELP for help. "
            "You don’t need texts to be a member."
        ),
        name=current_brand().name,
    )
    policies = {_("Privacy policy"): settings.PRIVACY_URL, _("Terms"): settings.TERMS_URL}
    links = format_html_join(
        " · ",
        '<a href="{}" target="_blank" rel="noopener">{}</a>',
        [(url, name) for name, url in policies.items() if url],
    )
    return format_html("{} {}", text, links) if links else text


def shown_terms() -> str:
    """Return these words as text, for the record of who agreed to them."""
    return " ".join(html.unescape(strip_tags(text_message_terms())).split())


def clean_name(name: str) -> str:
    """Return a name with single spaces; raises ValidationError for links and the like."""
    if not names.is_plausible(name):
        raise ValidationError(_("Enter your name only, without links or addresses."))
    return " ".join(name.split())


class ProfileForm(forms.Form):
    """The member's name, time zone, and language if there's a choice."""

    name = WordsField(
        label=gettext_lazy("Name"),
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        help_text=gettext_lazy("We use it for dates and times."),
    )

    language = forms.ChoiceField(
        label=gettext_lazy("Language"), help_text=gettext_lazy("For pages and messages.")
    )

    def __init__(self, member: Member, data: QueryDict | None = None) -> None:
        self.member = member
        initial = {
            "language": languages.offered(member.language),
            "name": member.user.get_full_name(),
            "time_zone": member.time_zone or time_zones.OWN,
        }
        super().__init__(data, initial=initial)
        offered = time_zones.choices(member.time_zone)
        self.fields["time_zone"].choices = offered  # type: ignore[attr-defined]
        if languages.is_chosen():
            self.fields["language"].choices = languages.choices()  # type: ignore[attr-defined]
        else:
            del self.fields["language"]

    def clean_name(self) -> str:
        """Refuse links, as at sign-up."""
        return clean_name(self.cleaned_data["name"])

    def clean_time_zone(self) -> str:
        """Store the business's own zone as "", so it follows if the business moves."""
        zone = str(self.cleaned_data["time_zone"])
        return "" if zone == time_zones.OWN else zone

    @transaction.atomic
    def save(self) -> None:
        """Write the name to the user, time zone and language to the profile."""
        user = self.member.user
        user.first_name, user.last_name = names.split(self.cleaned_data["name"])
        user.save(update_fields=["first_name", "last_name"])
        self.member.time_zone = self.cleaned_data["time_zone"]
        if "language" in self.cleaned_data:
            self.member.language = languages.kept(self.cleaned_data["language"])
        self.member.save(update_fields=["time_zone", "language"])
