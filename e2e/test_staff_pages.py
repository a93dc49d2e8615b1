"""Every page of the staff site fits a phone and a desktop, and axe finds nothing serious on it.

The pages are found by their links, one of each kind, from home on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Error, Page, expect

from e2e import journey
from e2e.axe import THEMES, Theme
from e2e.stack import Stack

START = "/staff/"
# What leads elsewhere, answers with a file, or shows the portal as a member sees it.
APART = re.compile(r"/(logout|view|download|export|file|pdf|jsi18n)\b|\.\w+$")
# Unfold's frame isn't ours to mend.
INSIDE = """() => axe.run(
    {include: [['#content']], exclude: [['.simplebar-content-wrapper > [role=region]']]},
    {resultTypes: ['violations']})"""
SERIOUS = {"serious", "critical"}
WIDTHS = (360, 1280)
PAID = """
    SELECT p.stripe_id FROM billing_payment p JOIN billing_customer c ON c.id = p.customer_id
    JOIN auth_user u ON u.id = c.user_id WHERE u.email = %s
"""
LONG = "UPDATE auth_user SET first_name = %s, last_name = %s WHERE email = %s RETURNING id"
LINKS = "links => links.map(link => link.href)"
# Neither the page nor a list scrolls sideways, once Unfold's frame has moved.
SETTLE, LOOKS = 500, 10
SIDEWAYS = """() => {
    const page = document.documentElement;
    const found = page.scrollWidth > page.clientWidth ? ['the page'] : [];
    for (const part of document.querySelectorAll('#content .simplebar-content-wrapper')) {
        if (part.scrollWidth > part.clientWidth + 1) found.push('a list');
    }
    return found;
}"""


@pytest.fixture
def desk(browser: Browser, page: Page, stack: Stack) -> Iterator[Page]:
    """An owner's browser, in a business with a long-named member who paid and got some back."""
    email = "ada@pages.example"
    journey.become_a_member(page, stack, "Ada Everywhere", email)
    stack.settle()
    [(intent,)] = stack.sql(PAID, email)
    stack.stripe("POST", "refunds", payment_intent=str(intent), amount="900")
    stack.settle()
    stack.manage("shell", "-c", "from billing.sync import balance; balance.read_balance()")
    stack.sql(LONG, "Featherstonehaugh" * 4, "Wolfeschlegelsteinhausen" * 3, email)
    desk = journey.staff_desk(browser, stack, "Axel Aide", "axel@pages.example")
    yield desk
    desk.context.close()


def test_staff_pages_fit_and_axe_finds_nothing_serious(desk: Page, stack: Stack) -> None:
    found = {path: faults_of(desk) for path in visits(desk, stack.url)}
    assert len(found) > 100
    wrong = [f"{path}: {fault}" for path, faults in found.items() for fault in faults]
    assert not wrong, "\n".join(wrong)


def shape(path: str) -> str:
    """Return what the addresses of pages of one kind have in common."""
    return re.sub(r"\d+", "N", path)


def visits(page: Page, portal: str) -> Iterator[str]:
    """Open one page of each kind, from home by links; yield its path."""
    waiting, known = [START], {shape(START)}
    while waiting:
        path = waiting.pop(0)
        look(page, THEMES[0])
        if not is_page(page, f"{portal}{path}"):
            continue
        for href in page.eval_on_selector_all("a[href]", LINKS):
            url = urlsplit(urljoin(page.url, href))
            is_staffs = f"{url.scheme}://{url.netloc}" == portal and url.path.startswith(START)
            if is_staffs and not APART.search(url.path) and shape(url.path) not in known:
                known.add(shape(url.path))
                waiting.append(url.path)
        yield path


def is_page(page: Page, address: str) -> bool:
    """Open an address; return whether it's a page. A download is none.

    The walk may take so long that a page asks again who it is.
    """
    try:
        answer = page.goto(address)
    except Error as error:
        if "Download is starting" in error.message:
            return False
        raise
    if "/reauthenticate/" in page.url:
        page.get_by_label("Password").fill(journey.PASSWORD)
        page.get_by_label("Password").press("Enter")
        expect(page).to_have_url(address)
        answer = page.reload()
    assert answer is not None
    assert answer.status < 500, address
    return answer.ok and "html" in answer.headers["content-type"]


def too_wide(page: Page) -> list[str]:
    """Return what scrolls sideways and goes on to."""
    wide: list[str] = []
    for _ in range(LOOKS):
        wide = page.evaluate(SIDEWAYS)
        if not wide:
            break
        page.wait_for_timeout(SETTLE)
    return wide


def faults_of(page: Page) -> list[str]:
    """Return what scrolls sideways, and what axe finds serious in both themes."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{what} scrolls sideways at {width} px" for what in too_wide(page)]
    found += serious(page, THEMES[0])
    look(page, THEMES[1])
    # Unfold chooses its theme as the page loads.
    page.reload()
    return found + serious(page, THEMES[1])


def look(page: Page, theme: Theme) -> None:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")


def serious(page: Page, theme: Theme) -> list[str]:
    """Return what axe finds serious inside of Unfold's frame."""
    page.evaluate(AXE_SCRIPT)
    return [
        f"{theme}: {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in page.evaluate(INSIDE)["violations"]
        if one["impact"] in SERIOUS
    ]
