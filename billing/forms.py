"""Forms about the membership."""

from __future__ import annotations

from django import forms

from billing.states import CancellationReason

REASONS = [
    (CancellationReason.TOO_EXPENSIVE, "It costs too much"),
    (CancellationReason.UNUSED, "I don't use it enough"),
    (CancellationReason.MISSING_FEATURES, "Something that I need is missing"),
    (CancellationReason.SWITCHED_SERVICE, "I found something else"),
    (CancellationReason.LOW_QUALITY, "It is not as good as I hoped"),
    (CancellationReason.CUSTOMER_SERVICE, "I was not helped well"),
    (CancellationReason.TOO_COMPLEX, "It is too complicated"),
    (CancellationReason.OTHER, "Another reason"),
]


class CancellationForm(forms.Form):
    """Why a member leaves. Nobody has to say."""

    reason = forms.ChoiceField(
        label="Why do you leave?",
        choices=[(reason.value, words) for reason, words in REASONS],
        widget=forms.RadioSelect,
        required=False,
    )
    comment = forms.CharField(
        label="Anything you want to tell us",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
        required=False,
    )

    def chosen_reason(self) -> CancellationReason | None:
        """Return the reason, where one was given."""
        value = self.cleaned_data["reason"]
        return CancellationReason(value) if value else None
