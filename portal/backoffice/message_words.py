"""Staff edit a message's subject, opening, and text: the form, its preview, and the history."""

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
from emails import fitting, looks, rendering, wording
from emails.catalog import Kind, spec_of
from emails.contexts import MessageContext
from emails.models import Channel, EditedText, Message
from emails.names import name_of
from members.languages import own
from portal.backoffice import more_samples, sample_texts
from portal.backoffice.message_samples import CONTEXTS
from portal.backoffice.sample_texts import Text

SHOWN = 20
ORIGINAL = "the original"


@dataclass(frozen=True)
class Entry:
    """A version in words."""

    by: str
    at: str
    said: list[tuple[str, str]]


@dataclass(frozen=True)
class Preview:
    """The usual sample with what's typed."""

    subject: str
    html: str
    text: str
    sms: Text | None


class WordsForm(forms.Form):
    """A subject, an opening, and a text message, in one language. What's empty is the original."""

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
    sms = WordsField(
        label="Text message",
        required=False,
        max_length=400,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Two segments at most. How to opt out is added where it’s due.",
    )
    based_on = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, kind: Kind, language: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.language = kind, language
        self.known = wording.names(type(CONTEXTS[kind]))
        self.known_in_texts = wording.names_in_texts(type(CONTEXTS[kind]))
        if not spec_of(kind).email:
            del self.fields["subject"], self.fields["lead"]
        if not may_edit_text(kind):
            del self.fields["sms"]

    def clean_subject(self) -> str:
        """Refuse what can't be filled in."""
        return self._checked("subject")

    def clean_lead(self) -> str:
        """Refuse what can't be filled in; it's one paragraph."""
        self.cleaned_data["lead"] = " ".join(self.cleaned_data["lead"].split())
        return self._checked("lead")

    def clean_sms(self) -> str:
        """Refuse what can't be filled in, or takes more than two segments."""
        text = " ".join(self.cleaned_data["sms"].split())
        for problem in wording.problems_of_text(text, self.known_in_texts):
            self.add_error("sms", problem)
        if text and "sms" not in self.errors:
            row = EditedText(kind=self.kind, language=self.language, sms=text)
            row.days = self._days(text)
            self._check_size(row)
        return text

    def _check_size(self, row: EditedText) -> None:
        with wording.shown_as(row):
            for sample in more_samples.of_kind(self.kind):
                if count := sample_texts.segments_of_written(sample.context):
                    self.add_error(
                        "sms",
                        f"With the sample “{sample.title}” it takes {count} segments, and a text"
                        f" has {fitting.MOST} at most. Make it shorter.",
                    )

    def _checked(self, name: str) -> str:
        text = str(self.cleaned_data[name])
        for problem in wording.problems(text, self.known):
            self.add_error(name, problem)
        return text

    def row(self) -> EditedText:
        """Return what was typed, unsaved."""
        said = {name: self.cleaned_data.get(name, "") for name in ("subject", "lead", "sms")}
        days = self._days(" ".join(said.values()))
        return EditedText(kind=self.kind, language=self.language, days=days, **said)

    def _days(self, text: str) -> list[str]:
        return sorted({name for name in wording.used(text) if self.known.get(name)})


def may_edit(kind: Kind) -> bool:
    """Whether staff may write some of a kind's words."""
    return spec_of(kind).email or may_edit_text(kind)


def link(kind: Kind) -> str:
    """Return what the link to the form says."""
    if not may_edit_text(kind):
        return "Edit subject and opening"
    return "Edit subject, opening, and text" if spec_of(kind).email else "Edit the text"


def may_edit_text(kind: Kind) -> bool:
    """Whether staff may write a kind's text message.

    Codes have a form that browsers read, and the answer to a consent says what carriers ask for.
    """
    spec = spec_of(kind)
    return spec.sms and not spec.sensitive and kind not in rendering.SAYS_STOP_ITSELF


def languages() -> list[tuple[str, str]]:
    """Return the languages that members can read."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


def newest(kind: Kind, language: str) -> EditedText | None:
    """Return the newest version; None if nothing was ever saved."""
    return EditedText.objects.filter(kind=kind, language=language).first()


def is_unchanged(row: EditedText, *, based_on: int) -> bool:
    """Whether the version that it's based on is the newest, and says the same."""
    before = newest(Kind(row.kind), row.language) or EditedText(version=0)
    parts = ("subject", "lead", "sms")
    same = all(getattr(row, name) == getattr(before, name) for name in parts)
    return same and before.version == based_on


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
            said=_said(row),
        )
        for row in rows[:SHOWN]
    ]


def _said(row: EditedText) -> list[tuple[str, str]]:
    """Return what a version says, each part with its name."""
    kind = Kind(row.kind)
    said = []
    if spec_of(kind).email:
        said += [("Subject", row.subject or ORIGINAL), ("Opening", row.lead or ORIGINAL)]
    if may_edit_text(kind):
        said.append(("Text message", row.sms or ORIGINAL))
    return said


def preview(row: EditedText) -> Preview:
    """Return the usual sample with a version that isn't saved."""
    kind = Kind(row.kind)
    context = CONTEXTS[kind]
    message = Message(kind=kind, channel=Channel.EMAIL, context=context.as_json())
    subject = html = text = ""
    with wording.shown_as(row):
        if spec_of(kind).email:
            mail = rendering.render_email(message)
            html = looks.framed(looks.in_scheme(mail.html, "light"))
            subject, text = mail.subject, mail.text
        sms = sample_texts.of(context) if may_edit_text(kind) else None
    return Preview(subject, html, text, sms)


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
    return [
        *wording.problems(row.subject, known),
        *wording.problems(row.lead, known),
        *wording.problems_of_text(row.sms, wording.names_in_texts(context)),
    ]


def title(row: EditedText) -> str:
    """Return what a version is of."""
    return f"{name_of(row.kind)} ({row.language})"
