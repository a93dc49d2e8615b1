"""The form of an answer to a dispute: the evidence that matters, prefilled, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import translation
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from billing.core import dispute_evidence
from billing.core.dispute_evidence import FILES, OURS, TEXTS
from billing.disputes import evidence, files, prefill
from billing.disputes.answering import Draft, NewFile
from billing.disputes.case import gather
from billing.models import Dispute, DisputeAnswer, EvidenceFile
from billing.pages import receipts
from common import documents
from common.fields import WordsField

ACCEPT = ".pdf,.jpg,.jpeg,.png,application/pdf,image/jpeg,image/png"
FILE, DROP, MADE = "file_", "drop_", "made_"


@dataclass(frozen=True)
class Slot:
    """A file of the evidence on the form: what's there now, and what can be done about it."""

    label: str
    now: EvidenceFile | None
    choose: Any
    drop: Any
    made: Any


class AnswerForm(forms.Form):
    """All evidence that Stripe takes; `main` and `more` divide it by what matters."""

    version = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, dispute: Dispute, answer: DisputeAnswer | None, data: Any = None, sent: Any = None
    ) -> None:
        super().__init__(data, sent)
        self.dispute, self.answer = dispute, answer
        self.there = {one.field: one for one in answer.files.named()} if answer else {}
        known = answer.texts if answer else _beginning(dispute)
        self.initial = {"version": answer.version if answer else 0, **known}
        deciding = dispute_evidence.deciding(dispute.reason)
        self._deciding = frozenset({*deciding, *known, *self.there})
        for name in TEXTS:
            self.fields[name] = _text(name)
        for name in FILES:
            self._add_file(name)

    def _add_file(self, name: str) -> None:
        self.fields[FILE + name] = forms.FileField(
            label=FILES[name],
            required=False,
            widget=UnfoldAdminFileFieldWidget(attrs={"accept": ACCEPT}),
            error_messages={"empty": files.EMPTY},
        )
        if name in self.there:
            self.fields[DROP + name] = _box("Remove this file")
        elif name in OURS and _can_be_made(name, self.dispute):
            self.fields[MADE + name] = _box(f"Attach {OURS[name]}, as a PDF that we make")
            self.initial[MADE + name] = self.answer is None

    def main_texts(self) -> list[Any]:
        """The texts that matter for the reason, or that say something."""
        return [self[name] for name in TEXTS if name in self._deciding]

    def more_texts(self) -> list[Any]:
        """The texts that Stripe takes, too."""
        return [self[name] for name in TEXTS if name not in self._deciding]

    def main_files(self) -> Iterator[Slot]:
        """The files that matter, or that are there."""
        return (self._slot(name) for name in FILES if name in self._deciding)

    def more_files(self) -> Iterator[Slot]:
        """The files that Stripe takes, too."""
        return (self._slot(name) for name in FILES if name not in self._deciding)

    def has_more_errors(self) -> bool:
        """Whether something's wrong with what's folded away."""
        folded = [*self.more_texts(), *(one.choose for one in self.more_files())]
        return any(one.errors for one in folded)

    def _slot(self, name: str) -> Slot:
        def bound(prefix: str) -> Any:
            return self[prefix + name] if prefix + name in self.fields else None

        return Slot(FILES[name], self.there.get(name), bound(FILE), bound(DROP), bound(MADE))

    def clean(self) -> dict[str, Any]:
        """Check lengths, and what's in the files."""
        cleaned: dict[str, Any] = self.cleaned_data
        for name, text in TEXTS.items():
            if (count := len(cleaned.get(name, ""))) > text.longest:
                self.add_error(name, f"It has {count:,} characters. Stripe takes {text.longest:,}.")
        cleaned["checked"] = {}
        for name in FILES:
            if chosen := cleaned.get(FILE + name):
                try:
                    checked = files.check(chosen.read())
                except files.FileError as error:
                    self.add_error(FILE + name, str(error))
                else:
                    chosen.seek(0)
                    cleaned["checked"][name] = NewFile(chosen.name, chosen.read(), checked)
        return cleaned

    def draft(self, now: datetime) -> Draft:
        """Return what to save. Call after validation."""
        added: dict[str, NewFile] = dict(self.cleaned_data["checked"])
        for name in OURS:
            if self.cleaned_data.get(MADE + name) and name not in added:
                added[name] = make(name, self.dispute, now)
        dropped = {name for name in FILES if self.cleaned_data.get(DROP + name)}
        texts = {name: self.cleaned_data[name] for name in TEXTS if self.cleaned_data[name]}
        return Draft(texts=texts, added=added, removed=frozenset(dropped - set(added)))


def make(name: str, dispute: Dispute, now: datetime) -> NewFile:
    """Make one of the files that come from our records; banks read English."""
    with translation.override("en-us"):
        if name == "receipt":
            user = dispute.customer.user
            content = receipts.pdf(dispute.payment, receipts.payer(user), now)
        else:
            content = documents.render("evidence", evidence.content(gather(dispute)), made_at=now)
    title = "receipt" if name == "receipt" else "evidence"
    return NewFile(f"{title}.pdf", content, files.check(content), is_ours=True)


def _can_be_made(name: str, dispute: Dispute) -> bool:
    """Whether there is one: only a payment that arrived has a receipt."""
    return name != "receipt" or bool(receipts.of(dispute.customer.user, dispute.payment_id))


def _beginning(dispute: Dispute) -> dict[str, str]:
    """Return the texts to begin with: of the inquiry that became a dispute, or what we know."""
    earlier = dispute.answers.exclude(texts={}).first()
    return earlier.texts if earlier else prefill.texts(dispute)


def _text(name: str) -> WordsField:
    text = dispute_evidence.TEXTS[name]
    widget: forms.Widget = UnfoldAdminTextInputWidget()
    if text.rows > 1:
        widget = UnfoldAdminTextareaWidget(attrs={"rows": text.rows})
    return WordsField(label=text.label, help_text=text.help, required=False, widget=widget)


def _box(label: str) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, widget=UnfoldBooleanWidget())
