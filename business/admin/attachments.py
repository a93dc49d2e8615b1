"""Attachments on the staff site: which emails bring their PDF."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from unfold.widgets import UnfoldAdminSelectWidget

from business import rules
from business.admin.group import GroupAdmin, Setting
from business.admin.group_form import GroupForm
from business.models import AttachmentsVersion

ATTACHED, LINKED = "attached as a PDF", "linked only"


def _taken(value: str) -> bool:
    return value == "yes"


class AttachmentsForm(GroupForm):
    """Whether receipts come along."""

    receipts = forms.TypedChoiceField(
        label="Receipts",
        choices=[
            ("", "The environment’s"),
            ("yes", "Attach the PDF"),
            ("no", "Only link to it"),
        ],
        coerce=_taken,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
        error_messages={"invalid_choice": "Choose one of the three."},
    )

    @classmethod
    def typed(cls, row: AttachmentsVersion | None) -> dict[str, Any]:
        """Return a version's choice."""
        if row is None or row.receipts is None:
            return {}
        return {"receipts": "yes" if row.receipts else "no"}

    def values(self) -> dict[str, Any]:
        """Return a version's values."""
        return {"receipts": self.cleaned_data["receipts"]}


def _of_environment() -> bool:
    return bool(settings.ATTACH_RECEIPTS)


def _said(attached: bool) -> str:
    return ATTACHED if attached else LINKED


@admin.register(AttachmentsVersion)
class AttachmentsVersionAdmin(GroupAdmin):
    """The attachments."""

    group = rules.ATTACHMENTS
    group_form = AttachmentsForm
    about = (
        "The email that says a payment came in always has a link to the receipt, which asks for a"
        " sign-in. It can also bring the receipt as a PDF, for members who forward it to a"
        " bookkeeper. Invoices are only linked, since Stripe makes them."
    )
    settings = (Setting("receipts", "Receipts", "ATTACH_RECEIPTS", _of_environment, _said),)
