"""Each form of a member's page answers in its place by HTMX, or says here why it's a plain form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings

TEMPLATES = settings.BASE_DIR / "templates"
# What members never see: the staff site, and the specimens of the style guide.
ELSEWHERE = ("admin/", "billing/admin/", "staff/", "unfold/", "portal/styleguide.html")
FORM = re.compile(r"<form\b(?:\{%.*?%\}|\{\{.*?\}\}|[^>])*>")
SIGN_IN = (
    "Signing in and up, and changes of how: allauth's views answer with whole pages of next steps."
)
MAILED = "Behind a link in an email, where the page is about nothing else."
SIGN_OUT = "The session ends with it, and the next page is for visitors."
PLAIN = {
    "account/": SIGN_IN,
    "allauth/elements/": SIGN_IN,
    "mfa/authenticate.html": SIGN_IN,
    "mfa/reauthenticate.html": SIGN_IN,
    "mfa/recovery_codes/generate.html": SIGN_IN,
    "mfa/totp/": SIGN_IN,
    "mfa/webauthn/": SIGN_IN,
    "components/passkey.html": "The browser's passkey script sends it.",
    "components/provider_buttons.html": "Its answer is the page of Google or Apple.",
    "members/text_messages.html account_change_phone": SIGN_IN,
    "components/menu.html": SIGN_OUT,
    "usersessions/usersession_list.html account_logout": SIGN_OUT,
    "members/confirm_email.html": MAILED,
    "members/unsubscribe.html": MAILED,
    "selfservice/keep.html": MAILED,
    "portal/invitation.html": MAILED,
    "viewing/banner.html": "It leads back to the staff site.",
    "members/notifications.html": "Each switch sends itself; without scripts, the form does.",
}


def forms() -> Iterator[tuple[str, str, str]]:
    """Yield each form that posts: its template, its tag, and what follows it."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = str(path.relative_to(TEMPLATES))
        if name.startswith(ELSEWHERE):
            continue
        text = path.read_text()
        for found in FORM.finditer(text):
            if any(one in found[0] for one in ("post", "attrs.method", "{% in_place")):
                yield name, found[0], text[found.end() : text.index("</form>", found.end())]


def reason(name: str, tag: str) -> str | None:
    """Return the entry of PLAIN that this form falls under."""
    for key in PLAIN:
        start, _, address = key.partition(" ")
        if name.startswith(start) and address in tag:
            return key
    return None


def is_in_place(tag: str) -> bool:
    return "hx-post" in tag or "{% in_place" in tag


def test_every_form_answers_in_place_or_says_why_not() -> None:
    found = list(forms())
    assert len(found) > 50
    plain = {
        f"{name}: {tag}" for name, tag, _ in found if not is_in_place(tag) and not reason(name, tag)
    }
    assert plain == set()
    used = {reason(name, tag) for name, tag, _ in found if not is_in_place(tag)}
    assert set(PLAIN) - used == set(), "Nothing is plain there anymore."


def test_forms_that_say_something_have_room_for_it() -> None:
    for name, tag, inside in forms():
        assert ("{% in_place" in tag) == ("{% says %}" in inside), name


def test_htmx_alone_sees_to_it_that_nothing_is_sent_twice() -> None:
    """`data-once` keeps a form from being sent again, also after HTMX said what went wrong."""
    for name, tag, _ in forms():
        if is_in_place(tag) and "{% else %}" not in tag:
            assert "data-once" not in tag, name
            assert "{% in_place" in tag or "hx-disabled-elt" in tag or "hx-sync" in tag, name
