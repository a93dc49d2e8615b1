"""`bin/screenshots --emails FOLDER`: every kind of email as mail programs may show it, in pictures.

Each picture has one kind four times: wide, on a narrow phone, in the dark theme, and as programs
show it that drop style sheets and pictures. It needs neither the demo nor a database.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from playwright.sync_api import Browser, sync_playwright

from e2e.browser import ARGUMENTS, find_browser

ADDRESS = "https://portal.harbor-yoga.example"
DARK = "@media (prefers-color-scheme: dark)"
GAP = 16
# Name, width, and what becomes of the email.
WAYS = (("wide", 600), ("narrow", 320), ("dark", 600), ("bare", 600))
LOGO = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='40' height='40'>"
    "<rect width='40' height='40' rx='8' fill='white'/><circle cx='20' cy='20' r='10'"
    " fill='%232f5d50'/></svg>"
)


def take_all(folder: Path) -> None:
    """Write a picture of each kind into a folder, and say which ones are too wide for a phone."""
    _set_up()
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        for name, html in _emails():
            too_wide = _take(browser, html, folder / f"{name}.png")
            print(f"{name}{'  is wider than a phone' if too_wide else ''}", flush=True)
        browser.close()


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    os.environ.setdefault("DEBUG", "true")
    django.setup()
    settings.PORTAL_URL = ADDRESS
    _assume_nothing_saved()


def _assume_nothing_saved() -> None:
    """Take the environment's settings and our own words: no database may be asked in a browser."""
    import business.brand
    import business.rules
    from emails import wording

    business.brand.assume_nothing_saved()
    business.rules.assume_nothing_saved()
    wording.KEPT.assume({})


def _emails() -> Iterator[tuple[str, str]]:
    from common.context import Brand, Social, shown_as
    from emails.catalog import CATALOG
    from emails.models import Channel, Message
    from emails.rendering import render_email
    from portal.backoffice.message_samples import SAMPLES

    brand = Brand(
        name="Harbor Yoga",
        color="#2f5d50",
        support_email="help@harbor-yoga.example",
        support_phone="+1 207 555 0100",
        support_hours="Weekdays, 9 to 5",
        postal_address="2 Quay Street, Portland, ME 04101",
        public_site_url="https://harbor-yoga.example",
        mail_logo_url="/logo.png",
        mail_logo_width=40,
        mail_logo_height=40,
        vat_id="US123456789",
        socials=(Social("Instagram", "https://instagram.com/harbor.yoga"),),
    )
    for kind in [kind for kind, spec in CATALOG.items() if spec.email]:
        facts: dict[str, Any] = SAMPLES[kind]
        message = Message(
            kind=kind, channel=Channel.EMAIL, recipient="nina@example.com", context=facts
        )
        with shown_as(brand):
            yield str(kind), render_email(message).html


def _take(browser: Browser, html: str, path: Path) -> bool:
    """Write one email's picture; return whether it's wider than its narrow frame."""
    width = sum(width for _, width in WAYS) + GAP * (len(WAYS) + 1)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(
        f"<style>body {{ margin: {GAP}px; display: flex; gap: {GAP}px; background: #888;"
        " align-items: flex-start } iframe { border: 0 }</style>"
        + "".join(f'<iframe id="{name}" width="{width}"></iframe>' for name, width in WAYS)
    )
    too_wide = False
    for name, width in WAYS:
        # The frame is as tall as its document, and only the narrow one can be too narrow.
        inner = page.evaluate(
            """([id, html]) => new Promise(done => {
                const frame = document.getElementById(id)
                frame.onload = () => {
                    const root = frame.contentDocument.documentElement
                    frame.height = root.scrollHeight
                    done(root.scrollWidth)
                }
                frame.srcdoc = html
            })""",
            [name, _shown(html, name)],
        )
        too_wide = too_wide or inner > width
    page.screenshot(path=path, full_page=True)
    page.close()
    return too_wide


def _shown(html: str, way: str) -> str:
    """Return an email as a mail program would take it."""
    if way == "bare":
        html = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
        return html.replace(f'src="{ADDRESS}/', 'src="about:blank#')
    html = html.replace(f"{ADDRESS}/logo.png", LOGO)
    return html.replace(DARK, "@media all" if way == "dark" else "@media not all")
