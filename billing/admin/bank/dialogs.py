"""The form behind buttons that need a reason."""

from __future__ import annotations

from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from common.fields import WordsField


class BecauseForm(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """Why."""

    because = WordsField(
        label="Why",
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="For your team: it stays in the history.",
    )
