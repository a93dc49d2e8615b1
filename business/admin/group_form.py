"""The base of settings' forms: what's empty is the environment's; what can't be undone is said."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from django import forms

from business.admin.history import Changed
from business.models import Version
from common.fields import WordsField


class GroupForm(forms.Form):
    """What staff may say about a group of settings.

    `agreed` names the values whose consequences its author has read.
    """

    based_on = forms.IntegerField(widget=forms.HiddenInput)
    restores = forms.IntegerField(widget=forms.HiddenInput, required=False)
    agreed = WordsField(widget=forms.HiddenInput, required=False)
    overtaken: ClassVar[list[Changed]] = []
    overtaken_by: Version | None = None
    # Said before `effects`.
    warning: ClassVar[str] = "This can’t be undone:"
    # What saving would do, in sentences, once it's known.
    consequences: ClassVar[list[str]] = []

    @classmethod
    def typed(cls, row: Any) -> dict[str, Any]:
        """Return a version as what's typed into the form; None before the first one."""
        raise NotImplementedError

    def values(self) -> dict[str, Any]:
        """Return a version's values."""
        raise NotImplementedError

    def effects(self) -> list[str]:
        """Return what can't be taken back about saving this, in sentences."""
        return []

    def shown_fields(self) -> list[Any]:
        """Return the fields that are seen, in order."""
        return list(self.visible_fields())

    @property
    def fingerprint(self) -> str:
        """Return a mark of the values."""
        said = json.dumps(self.values(), sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def is_agreed(self) -> bool:
        """Whether there's nothing to warn about, or its author has read it for these values."""
        if self.cleaned_data["agreed"] == self.fingerprint:
            return True
        self.consequences = self.effects()  # type: ignore[misc]
        return not self.consequences
