"""Staff edit a message's subject and opening: the form, its preview, and the history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common.fields import WordsField
from common.staff import show
from emails import looks, rendering, wording
from emails.catalog import Kind, name_of, spec_of
from emails.contexts import MessageContext
from emails.models import Channel, EditedText, Message
from members.languages import own
from portal.backoffice.message_samples import CONTEXTS

SHOWN = 20
ORIGINAL = "the original"


@dataclass(frozen=True)
class Entry:
    """A version in words."""

    by: str
    at: str
    subject: str
    lead: str


@dataclass(frozen=True)
class Preview:
    """The usual sample with what's typed."""

    subject: str
    html: str
    text: str


class WordsForm(forms.Form):
    """A subject and an opening, in one language. What's empty is the original."""

    subject = WordsField(
        label="Subject",
        required=False,
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
    )
    lead = WordsField(
        label="Opening",
        required=False,
        max_length=600,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="The first paragraph.",
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: Kind, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.language = kind, language
        self.known = wording.names(type(CONTEXTS[kind]))

    def clean_subject(self) -> str:
        """Refuse what can't be filled in."""
        return self._checked("subject")

    def clean_lead(self) -> str:
        """Refuse what can't be filled in; it's one paragraph."""
        self.cleaned_data["lead"] = " ".join(self.cleaned_data["lead"].split())
        return self._checked("lead")

    def _checked(self, name: str) -> str:
        text = str(self.cleaned_data[name])
        for problem in wording.problems(text, self.known):
            self.add_error(name, problem)
        return text

    def row(self) -> EditedText:
        """Return what was typed, unsaved."""
        subject, lead = self.cleaned_data["subject"], self.cleaned_data["lead"]
        names = {*wording.used(subject), *wording.used(lead)}
        days = sorted(name for name in names if self.known.get(name))
        return EditedText(
            kind=self.kind, language=self.language, subject=subject, lead=lead, days=days
        )


def may_edit(kind: Kind) -> bool:
    """Whether a kind goes by email, so that it has a subject."""
    return spec_of(kind).email


def languages() -> list[tuple[str, str]]:
    """Return the languages that members can read."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def newest(kind: Kind, language: str) -> EditedText | None:
    """Return the newest version; None if nothing was ever saved."""
    return EditedText.objects.filter(kind=kind, language=language).first()


def save(row: EditedText, actor: User, *, based_on: int) -> bool:
    """Put a version in force; return whether it's still based on the newest one."""
    row.made_by, row.version = actor, based_on + 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        before = newest(Kind(row.kind), row.language)
        if before is None or before.version == based_on:
            raise
        return False
    wording.KEPT.forget()
    return True


def history(kind: Kind, language: str) -> list[Entry]:
    """Return the versions, the newest first; the original comes before the first."""
    rows = EditedText.objects.filter(kind=kind, language=language).select_related("made_by")
    return [
        Entry(
            by=show.name_of(row.made_by),
            at=show.moment(row.made_at),
            subject=row.subject or ORIGINAL,
            lead=row.lead or ORIGINAL,
        )
        for row in rows[:SHOWN]
    ]


def preview(row: EditedText) -> Preview:
    """Return the usual sample with a version that isn't saved."""
    message = Message(
        kind=row.kind, channel=Channel.EMAIL, context=CONTEXTS[Kind(row.kind)].as_json()
    )
    with wording.shown_as(row):
        mail = rendering.render_email(message)
    return Preview(mail.subject, looks.framed(looks.in_scheme(mail.html, "light")), mail.text)


def originals(kind: Kind) -> Preview:
    """Return the usual sample as it is without what staff wrote."""
    return preview(EditedText(kind=kind, language=own()))


def address(kind: Kind, language: str = "") -> str:
    """Return where a kind's words are edited."""
    query = {"kind": kind.value} | ({"language": language} if language else {})
    return f"{reverse('admin:emails_message_words')}?{urlencode(query)}"


def broken(row: EditedText) -> list[str]:
    """Return what's wrong with a version in force, since messages changed after it was saved."""
    if row.kind not in set(Kind):
        return []
    context: type[MessageContext] = type(CONTEXTS[Kind(row.kind)])
    known = wording.names(context)
    return [*wording.problems(row.subject, known), *wording.problems(row.lead, known)]


def title(row: EditedText) -> str:
    """Return what a version is of."""
    return f"{name_of(row.kind)} ({row.language})"
