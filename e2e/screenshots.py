"""`bin/screenshots`: capture the demo into docs/images, starting it if it isn't running.

python -m e2e.screenshots [--portal URL --sandbox URL | --emails FOLDER]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from common.postgres import CHECKOUT
from e2e import email_sheets
from e2e.browser import ARGUMENTS, find_browser
from e2e.demo import SIGNED_OUT, Places, running_demo, sign_in

IMAGES = CHECKOUT / "docs" / "images"
LARGEST_BYTES = 300_000
# What the receipt of a payment by card begins with, and says.
RECEIPT, BY_CARD = "Receipt:", "On your statement:"
OWNER, REFUNDED, ZELLE = "Staff (owner)", "Refunded", "Paying by Zelle"
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Screen:
    """A window in CSS pixels, and the image pixels per CSS pixel."""

    width: int
    height: int
    scale: int = 1


DESKTOP = Screen(1280, 800)
# The staff site has a sidebar and wide lists.
WIDE = Screen(1440, 900)
# A phone's image is small: twice the pixels keep its text sharp.
PHONE = Screen(390, 844, scale=2)
LETTER = Screen(640, 900)


@dataclass(frozen=True)
class Picture:
    """One screenshot: its name, where it's taken, and what to follow from the first page.

    `role` is one of the demo's sign-ins, or `SIGNED_OUT`. `then` is the beginning of a
    link's address to follow.
    """

    name: str
    role: str
    path: str
    screen: Screen = DESKTOP
    scheme: Scheme = "light"
    then: str = ""


PICTURES = [
    Picture("home", "Member", "/"),
    Picture("home-dark", "Member", "/", scheme="dark"),
    Picture("home-phone", "Member", "/", PHONE),
    Picture("home-phone-dark", "Member", "/", PHONE, "dark"),
    Picture("payments-phone", "Member", "/payments/", PHONE),
    Picture("payment-failed", "Unpaid", "/"),
    Picture("join", SIGNED_OUT, "/join/"),
    Picture("membership", "Member", "/membership/"),
    Picture("invoice", "Member", "/payments/", then="/payments/invoices/"),
    Picture("zelle-page", ZELLE, "/", then="/zelle/"),
    Picture("zelle-page-phone", ZELLE, "/", PHONE, then="/zelle/"),
    Picture("zelle-match", OWNER, "/staff/billing/allocation/to-match/", WIDE),
    Picture("staff-home", OWNER, "/staff/", WIDE),
    Picture("refund-queue", OWNER, "/staff/billing/refund/", WIDE),
    Picture("staff-events", OWNER, "/staff/billing/stripeevent/", WIDE),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Take every screenshot; return 1 if the demo isn't available."""
    parser = argparse.ArgumentParser(prog="bin/screenshots", description=__doc__)
    parser.add_argument("--portal", help="address of a running demo's portal")
    parser.add_argument("--sandbox", help="address of the same demo's sandbox")
    parser.add_argument("--emails", type=Path, help="only a picture of each kind of email, here")
    chosen = parser.parse_args(arguments)
    if chosen.emails:
        email_sheets.take_all(chosen.emails)
        return 0
    IMAGES.mkdir(parents=True, exist_ok=True)
    if chosen.portal and chosen.sandbox:
        _take_all(Places(chosen.portal.rstrip("/"), chosen.sandbox.rstrip("/")))
        return 0
    with running_demo() as places:
        _take_all(places)
    return 0


def _take_all(places: Places) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(ARGUMENTS))
        cookies = {role: sign_in(browser, places, role) for role in _roles()}
        for picture in PICTURES:
            _take(browser, places, picture, cookies.get(picture.role))
        _take_refunds(browser, places, cookies[OWNER])
        _take_members_refunds(browser, places, cookies[REFUNDED])
        _take_receipt(browser, places, "email", "light")
        _take_receipt(browser, places, "email-dark", "dark")
        _take_sandbox(browser, places)
        browser.close()


def _roles() -> list[str]:
    return sorted({REFUNDED, *(picture.role for picture in PICTURES)} - {SIGNED_OUT})


def _take(browser: Browser, places: Places, picture: Picture, cookies: StorageState | None) -> None:
    with _page(browser, picture.screen, picture.scheme, cookies) as page:
        page.goto(f"{places.portal}{picture.path}")
        if picture.then:
            page.locator(f'main a[href^="{picture.then}"]').first.click()
            page.wait_for_url(lambda address: picture.then in address)
        _shoot(page, picture.name)


def _take_refunds(browser: Browser, places: Places, cookies: StorageState) -> None:
    """Capture a decision on a refund, and the back-test of a more generous policy."""
    with _page(browser, WIDE, cookies=cookies) as page:
        page.goto(f"{places.portal}/staff/billing/refund/?needs=second")
        page.locator("#result_list a[href*='/change/']").first.click()
        page.locator(".staff-case").wait_for()
        _shoot(page, "refund-decision")
        page.goto(f"{places.portal}/staff/billing/refundpolicy/add/")
        for field in page.locator("[name$=automatic_up_to]").all():
            field.fill("60.00")
        page.get_by_role("button", name="See what it would have decided").click()
        page.locator("#backtest").scroll_into_view_if_needed()
        _shoot(page, "refund-backtest")


def _take_members_refunds(browser: Browser, places: Places, cookies: StorageState) -> None:
    """Capture a member's refund that has arrived, and the form for the next one."""
    with _page(browser, DESKTOP, cookies=cookies) as page:
        page.goto(f"{places.portal}/payments/")
        page.locator('main a[href^="/payments/"]', has_text="Weekend workshop").first.click()
        page.locator('main a[href^="/refunds/"]').first.click()
        page.wait_for_url(lambda address: "/refunds/" in address)
        _shoot(page, "refund-tracker")
        page.goto(f"{places.portal}/payments/")
        page.locator('main a[href^="/payments/invoices/"]').first.click()
        page.locator('main a[href$="/refund/"]').first.click()
        page.wait_for_url(lambda address: address.endswith("/refund/"))
        _shoot(page, "refund-request")


def _take_receipt(browser: Browser, places: Places, name: str, scheme: Scheme) -> None:
    """Capture the newest receipt of a payment by card as a mail program shows it."""
    answer = httpx.get(f"{places.sandbox}/_sandbox/mailbox", timeout=30, trust_env=False)
    receipt = next(
        mail
        for mail in answer.json()
        if mail["subject"].startswith(RECEIPT) and BY_CARD in mail["text"]
    )
    with _page(browser, LETTER, scheme) as page:
        page.goto(f"{places.sandbox}/mailbox/{receipt['id']}/html")
        _shoot(page, name)


def _take_sandbox(browser: Browser, places: Places) -> None:
    with _page(browser, DESKTOP) as page:
        page.goto(f"{places.sandbox}/")
        _shoot(page, "sandbox")


@contextmanager
def _page(
    browser: Browser,
    screen: Screen,
    scheme: Scheme = "light",
    cookies: StorageState | None = None,
) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        device_scale_factor=screen.scale,
        color_scheme=scheme,
        storage_state=cookies,
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def _shoot(page: Page, name: str) -> None:
    """Write the image.

    Raises:
        RuntimeError: it's too large for the repository.
    """
    page.wait_for_load_state("networkidle")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    print(f"{path.relative_to(CHECKOUT)}  {size // 1000} kB", flush=True)
    if size > LARGEST_BYTES:
        raise RuntimeError(f"{path.name} is larger than {LARGEST_BYTES // 1000} kB.")


if __name__ == "__main__":
    sys.exit(main())
