"""The buttons on a member's page for notes and tags, and their forms."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common.fields import WordsField
from common.staff import show
from common.staff.dialogs import ask_again
from common.staff.parts import button, row_or_404
from common.staff.read_only import IndexedSearch
from members.access import current_user
from portal.backoffice import notes


class NoteForm(BaseDialogForm):  # type: ignore[misc]  # Unfold ships no types
    """The words. `key` stays the same however often the form is sent."""

    words = WordsField(
        label="Note",
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text="For your team. It's in the copy of their data that the member can ask for.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        self.initial["key"] = uuid.uuid4()


class TagForm(BaseDialogForm):  # type: ignore[misc]
    """A tag's name, with those in use to choose from."""

    name = WordsField(
        label="Tag",
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        used = ", ".join(notes.names_in_use())
        self.fields["name"].help_text = f"In use: {used}." if used else "Such as “VIP”."

    def clean_name(self) -> str:
        """Return it on one line."""
        return " ".join(str(self.cleaned_data["name"]).split())


class UntagForm(BaseDialogForm):  # type: ignore[misc]
    """Which of the member's tags."""

    name = forms.ChoiceField(label="Tag", widget=UnfoldAdminSelectWidget)

    def __init__(self, request: HttpRequest, object_id: Any = None, **kwargs: Any) -> None:
        super().__init__(request, object_id, **kwargs)
        user = User.objects.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        mine = [one.name for one in notes.given(user)] if user else []
        self.fields["name"].choices = [(one, one) for one in mine]


class NoteButtons(IndexedSearch):
    """What staff write down about a member."""

    def has_write_permission(self, request: HttpRequest, _object_id: str = "") -> bool:
        """Whether this staff member may write notes and give tags."""
        return request.user.has_perm(notes.MAY_WRITE)

    def has_untag_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Whether this staff member may remove tags, and the member has one."""
        if not request.user.has_perm(notes.MAY_REMOVE):
            return False
        user = User.objects.filter(pk=object_id).first() if str(object_id).isdecimal() else None
        return user is None or notes.given(user).exists()

    @button(
        "Add a note",
        icon="edit_note",
        path="note",
        permission="write",
        question="Write a note about this member",
        explanation="It has your name, and stands on their timeline.",
        form=NoteForm,
        is_primary=False,
    )
    def add_note(self, request: HttpRequest, form: NoteForm, object_id: str) -> HttpResponse:
        """Write it."""
        user = row_or_404(User, object_id)
        words, key = form.cleaned_data["words"], form.cleaned_data["key"]
        notes.write(user, current_user(request), words, key)
        messages.success(request, "The note is saved.")
        return redirect(show.page_of(user))

    @button(
        "Add a tag",
        icon="new_label",
        path="tag",
        permission="write",
        question="Give this member a tag",
        explanation="The list of members can be filtered by it.",
        form=TagForm,
        is_primary=False,
    )
    def add_tag(self, request: HttpRequest, form: TagForm, object_id: str) -> HttpResponse:
        """Give it, and log it."""
        user, name = row_or_404(User, object_id), form.cleaned_data["name"]
        try:
            is_new = notes.tag(user, current_user(request), name)
        except notes.TagRefused as refusal:
            form.add_error("name", str(refusal))
            return ask_again(request, self.add_tag, form)
        if is_new:
            self.log_change(request, user, f"Gave the tag “{name}”.")
        messages.success(request, f"The member has the tag “{name}”.")
        return redirect(show.page_of(user))

    @button(
        "Remove a tag",
        icon="label_off",
        path="untag",
        permission="untag",
        question="Remove a tag",
        explanation="The history keeps who gave it and who removed it.",
        form=UntagForm,
        is_primary=False,
    )
    def remove_tag(self, request: HttpRequest, form: UntagForm, object_id: str) -> HttpResponse:
        """Remove it, and log it."""
        user, name = row_or_404(User, object_id), form.cleaned_data["name"]
        if notes.untag(user, current_user(request), name):
            self.log_change(request, user, f"Removed the tag “{name}”.")
        messages.success(request, f"The member no longer has the tag “{name}”.")
        return redirect(show.page_of(user))
