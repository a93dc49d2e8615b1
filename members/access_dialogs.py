"""The form behind the staff's button for an account's access."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldBooleanSwitchWidget

from members.access_changes import Access


class ChangeAccess(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """Whether they can sign in, and what they may do on the staff site."""

    is_active = forms.BooleanField(
        label="Can sign in", required=False, widget=UnfoldBooleanSwitchWidget
    )
    is_staff = forms.BooleanField(
        label="Can open the staff site", required=False, widget=UnfoldBooleanSwitchWidget
    )
    is_superuser = forms.BooleanField(
        label="Superuser: may do everything, whatever their groups",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), required=False, widget=UnfoldAdminSelectMultipleWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        users = User.objects.filter(pk=self.object_id) if str(self.object_id).isdecimal() else None
        user = users.first() if users is not None else None
        if self.request is not None and not self.request.user.is_superuser:
            del self.fields["is_superuser"]
        if user:
            self.initial |= {
                "is_active": user.is_active,
                "is_staff": user.is_staff,
                "is_superuser": user.is_superuser,
                "groups": list(user.groups.all()),
            }

    def wanted(self) -> Access:
        """Return what was chosen."""
        chosen = self.cleaned_data
        names = frozenset(group.name for group in chosen["groups"])
        is_superuser = chosen.get("is_superuser", False)
        return Access(chosen["is_active"], chosen["is_staff"], is_superuser, names)
