"""What an action asks before it acts: Unfold's dialog, whose answer is a POST."""

from __future__ import annotations

from unfold.dataclasses import ActionDialog


def confirm(title: str, description: str, button: str) -> ActionDialog:
    """Return a dialog without fields. Opening it is a GET that changes nothing."""
    return ActionDialog(
        title=title, description=description, form_class=None, form_submit_text=button
    )
