"""The style guide: every component in each of its states, with made-up values."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from common.fields import WordsField


def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the style guide to staff, and to anyone in development."""
    if not (settings.DEBUG or request.user.is_staff):
        raise Http404("The style guide is for staff.")
    return render(request, "portal/styleguide.html", specimens())


class SpecimenForm(forms.Form):
    """One field of each kind."""

    name = WordsField(label="Name", help_text="As it should stand on your receipts.")
    email = forms.EmailField(label="Email address")
    plan = forms.ChoiceField(
        label="How often",
        choices=[("month", "Every month"), ("year", "Every year")],
        required=False,
    )
    note = WordsField(label="Anything else", widget=forms.Textarea, required=False)
    number = WordsField(label="Member number", disabled=True, required=False, initial="1042")
    amount = forms.DecimalField(label="Amount", help_text="Up to $29.00.")
    reason = forms.ChoiceField(
        label="Why",
        choices=[("twice", "I was charged twice"), ("other", "Something else")],
        widget=forms.RadioSelect,
    )
    how_much = forms.ChoiceField(
        label="How much",
        choices=[("all", "All of it: $29.00"), ("part", "A part of it")],
        widget=forms.RadioSelect,
        initial="all",
    )
    news = forms.BooleanField(
        label="Text me when a payment fails", help_text="At most one message a day."
    )
    code = WordsField(label="Code")


def _steps(now: datetime) -> list[dict[str, Any]]:
    return [
        {"state": "done", "title": "You requested $29.00", "at": now - timedelta(days=3)},
        {
            "state": "done",
            "title": "We said yes",
            "at": now - timedelta(days=2),
            "who": "Maya from our team",
        },
        {
            "state": "now",
            "title": "Your bank is working on it",
            "who": "Your bank",
            "text": "Most banks take three to five working days.",
        },
        {"state": "next", "title": "The money is on your card", "at": now + timedelta(days=3)},
    ]


def _failed_steps(now: datetime) -> list[dict[str, Any]]:
    return [
        {"state": "done", "title": "You requested $12.00", "at": now - timedelta(days=9)},
        {
            "state": "failed",
            "title": "Your bank sent the money back to us",
            "at": now - timedelta(days=1),
            "text": "The card is closed. Tell us another way to pay you.",
        },
    ]


def _entries(now: datetime) -> list[dict[str, Any]]:
    return [
        {"at": now, "tone": "good", "title": "Payment received", "text": "$29.00"},
        {"at": now - timedelta(days=1), "tone": "bad", "title": "Card declined"},
        {"at": now - timedelta(days=2), "title": "Invoice sent", "text": "$29.00"},
    ]


def _rows() -> list[list[dict[str, Any]]]:
    values = [
        ("Nov 4, 2026", "Membership for November", "$29.00"),
        ("Oct 18, 2026", "Refund: workshop", "−$12.00"),
        ("Oct 4, 2026", "Membership for October", "$1,029.00"),
    ]
    return [
        [
            {"label": "Date", "value": date},
            {"label": "For", "value": what},
            {"label": "Amount", "value": amount, "end": True},
        ]
        for date, what, amount in values
    ]


def specimens() -> dict[str, Any]:
    """Return the context: forms at rest and with errors, stories, rows."""
    now = timezone.now()
    return {
        "form": SpecimenForm(),
        "wrong": SpecimenForm({"name": "", "email": "ada@", "amount": "31", "code": "12"}),
        "tones": ["good", "wait", "bad", "info", "plain"],
        "icons": ICONS,
        "steps": _steps(now),
        "failed_steps": _failed_steps(now),
        "entries": _entries(now),
        "columns": [{"label": "Date"}, {"label": "For"}, {"label": "Amount", "end": True}],
        "rows": _rows(),
    }


ICONS = [
    "home",
    "membership",
    "payments",
    "account",
    "card",
    "calendar",
    "check",
    "good",
    "wait",
    "bad",
    "info",
    "plain",
    "close",
    "arrow-left",
    "arrow-right",
    "chevron-right",
    "external",
    "download",
    "sign-out",
    "mail",
    "phone",
    "lock",
    "key",
    "devices",
    "bell",
    "refund",
    "staff",
    "plus",
    "search",
    "heart",
    "star",
    "gift",
    "people",
    "discount",
    "place",
    "video",
    "book",
    "sun",
    "leaf",
    "cup",
    "time",
]
