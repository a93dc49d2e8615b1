"""Without a mouse: joining, a refund, canceling, cards, and a passkey, by Tab and Enter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import journey
from e2e.stack import Stack
from e2e.test_passkeys import plug_in
from e2e.test_second_step import restart_web

MOST_STEPS = 60
# What has the focus: its name as it's read out, and why one wouldn't see that it has it.
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return { name: "", wrong: "" };
  const labels = [...(one.labels ?? [])].map((label) => label.innerText).join(" ");
  const name = one.getAttribute("aria-label") || labels || one.innerText || one.name || one.id || one.tagName;
  // A choice shows the focus on its card, a money field on its frame, a row on the whole row.
  const frames = [one, one.closest(".choice"), one.closest(".money-field")].filter(Boolean);
  const ring = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const visible = frames.some((frame) => ring(getComputedStyle(frame)) || ring(getComputedStyle(frame, "::after")));
  const box = one.getBoundingClientRect();
  const at = document.elementFromPoint(Math.min(Math.max(box.x + box.width / 2, 1), innerWidth - 1), Math.min(Math.max(box.y + Math.min(box.height, 40) / 2, 1), innerHeight - 1));
  const covered = at && !one.contains(at) && !at.contains(one) && !frames.some((frame) => frame.contains(at));
  let wrong = "";
  if (one.id === "main" || one.tabIndex < 0 && one.matches("[autofocus]")) wrong = "";
  else if (!visible) wrong = "shows no focus";
  else if (box.bottom <= 0 || box.top >= innerHeight) wrong = "is out of sight";
  else if (covered) wrong = `is covered by ${at.tagName} ${at.className}`;
  if (one.tabIndex > 0) wrong = "jumps the order";
  return { name: name.replace(/\\s+/g, " ").trim(), wrong };
}"""  # noqa: E501  (JavaScript)


@dataclass
class Keyboard:
    """Somebody who has no mouse."""

    page: Page

    def press(self, *keys: str) -> None:
        """Press keys."""
        for key in keys:
            self.page.keyboard.press(key)

    def where(self) -> str:
        """Return the name of what has the focus, which one must be able to see."""
        focus = self.page.evaluate(FOCUS)
        assert not focus["wrong"], f"«{focus['name']}» on {self.page.url} {focus['wrong']}"
        return str(focus["name"])

    def go_to(self, name: str) -> None:
        """Press Tab until something with this name has the focus."""
        passed = []
        for _ in range(MOST_STEPS):
            self.press("Tab")
            here = self.where()
            if re.search(name, here):
                return
            passed.append(here)
        raise AssertionError(f"Tab never came to «{name}» on {self.page.url}: {passed}")

    def open(self, name: str) -> None:
        """Go to a link or button, and press Enter."""
        self.go_to(name)
        self.press("Enter")

    def fill(self, name: str, text: str) -> None:
        """Go to a field, and type."""
        self.go_to(name)
        self.press("Control+A")
        self.page.keyboard.type(text)

    def pay(self, button: str, *, email: str = "") -> None:
        """Fill in Checkout, and pay."""
        expect(self.page).to_have_url(re.compile("/checkout/"))
        for label, text in (
            ("Card number", journey.GOOD_CARD),
            ("Expiration", "12 / 34"),
            ("CVC", "123"),
            ("Cardholder name", "A Member"),
        ):
            self.page.get_by_label(label).focus()
            self.page.keyboard.type(text)
        self.press("Enter")


@pytest.fixture(params=[(1280, 800), (360, 740)], ids=["desktop", "phone"])
def keyboard(page: Page, request: pytest.FixtureRequest) -> Keyboard:
    """A keyboard at a desktop's and at a phone's window."""
    width, height = request.param
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(reduced_motion="reduce")
    return Keyboard(page)


def email_of(keyboard: Keyboard, name: str) -> str:
    """Return an address of this test's own."""
    size = keyboard.page.viewport_size
    assert size
    return f"{name}{size['width']}@keyboard.example"


def test_the_first_tab_skips_to_the_content(keyboard: Keyboard, stack: Stack) -> None:
    keyboard.page.goto(f"{stack.url}/join/")
    keyboard.press("Tab")
    assert keyboard.where() == "Skip to the content"
    expect(keyboard.page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    keyboard.press("Enter")
    assert keyboard.page.evaluate("document.activeElement.id") == "main"
    keyboard.press("Tab")
    assert keyboard.page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_somebody_joins_by_keyboard_alone(keyboard: Keyboard, stack: Stack) -> None:
    page, email = keyboard.page, email_of(keyboard, "joan")
    page.goto(f"{stack.url}/join/")
    keyboard.go_to("Monthly")
    keyboard.press("ArrowDown")
    expect(page.get_by_label("Yearly")).to_be_checked()
    assert "Yearly" in keyboard.where()
    keyboard.open("Join now")
    expect(page).to_have_url(re.compile("/signup/"))
    keyboard.fill("Your name", "Joan Joins")
    keyboard.fill("Email", email)
    keyboard.fill("^Password", journey.PASSWORD)
    keyboard.press("Enter")
    # The field for the code has the focus.
    page.wait_for_url("**/confirm-email/")
    expect(page.get_by_label("Code").first).to_be_focused()
    page.keyboard.type(journey.code_in(journey.newest_mail(stack, email)["text"]))
    keyboard.press("Enter")
    page.wait_for_url(re.compile("/join/"))
    expect(page.get_by_text("$290.00")).to_be_visible()
    keyboard.open("Continue to payment")
    keyboard.pay("Pay")
    expect(page.get_by_role("heading", name="You’re a member")).to_be_visible()
    keyboard.open("home page")
    expect(page).to_have_url(f"{stack.url}/")


def test_a_member_asks_for_a_refund_by_keyboard_alone(keyboard: Keyboard, stack: Stack) -> None:
    page, email = keyboard.page, email_of(keyboard, "rhea")
    journey.become_a_member(page, stack, "Rhea Refund", email)
    journey.save_policy(stack, email, automatic_up_to=5000, automatic_per_year=5)
    page.goto(stack.url)
    keyboard.open("^Payments")
    page.wait_for_url("**/payments/")
    keyboard.open("^Membership, ")
    page.wait_for_url("**/payments/invoices/**")
    keyboard.open("refund")
    page.wait_for_url("**/refund/")
    keyboard.go_to("amount")
    keyboard.press("ArrowDown")
    expect(page.get_by_label("Part of it")).to_be_checked()
    keyboard.fill("Amount", "9")
    # What it comes to is read out, and the focus stays in the field.
    expect(page.locator("[aria-live] .alert", has_text="$9.00")).to_be_visible()
    expect(page.get_by_label("Amount", exact=True)).to_be_focused()
    keyboard.go_to("Why")
    page.keyboard.type("I did not")
    keyboard.open("Request refund")
    page.wait_for_url("**/refunds/**")
    expect(page.get_by_role("heading", name="Refund of $9.00")).to_be_visible()


def test_a_member_cancels_and_comes_back_by_keyboard_alone(
    keyboard: Keyboard, stack: Stack
) -> None:
    page, email = keyboard.page, email_of(keyboard, "carl")
    journey.become_a_member(page, stack, "Carl Cancels", email)
    page.goto(f"{stack.url}/membership/")
    keyboard.open("Cancel membership")
    page.wait_for_url("**/cancel/")
    keyboard.go_to(".")
    while page.evaluate("document.activeElement.type") != "radio":
        keyboard.press("Tab")
    keyboard.press("ArrowDown")
    keyboard.where()
    keyboard.open("Cancel membership")
    page.wait_for_url("**/membership/")
    # It's said at once, in a region that's read out.
    expect(page.locator("[role=status] .toast").first).to_be_visible()
    keyboard.open("Keep my membership")
    expect(page.locator("[role=status] .toast").first).to_be_visible()
    stack.settle()
    page.reload()
    expect(page.get_by_role("button", name="Keep my membership")).to_have_count(0)


def test_a_dialog_keeps_the_focus_and_gives_it_back(keyboard: Keyboard, stack: Stack) -> None:
    page, email = keyboard.page, email_of(keyboard, "dora")
    journey.become_a_member(page, stack, "Dora Dialog", email)
    journey.keep_card(stack, journey.customer_of(stack, email))
    page.goto(f"{stack.url}/account/cards/")
    keyboard.open("Add a card")
    expect(page).to_have_url(re.compile("/checkout/"))
    journey.pay(page, "5555 5555 5555 4444")
    stack.settle()
    page.goto(f"{stack.url}/account/cards/")
    keyboard.open("^Remove")
    opened_by = page.get_by_role("dialog").get_attribute("id")
    assert opened_by
    inside = "document.querySelector('dialog[open]').contains(document.activeElement)"
    for _ in range(6):
        # The browser's own frame may come in between, but nothing of the page behind.
        assert page.evaluate(f"{inside} || document.activeElement === document.body")
        keyboard.press("Tab")
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.activeElement.getAttribute('popovertarget')") == opened_by
    keyboard.where()
    # Said in place: the focus is where it's said, in what the page swapped in.
    keyboard.press("Enter")
    keyboard.go_to("Remove card|^Keep")
    keyboard.open("Remove card")
    expect(page.get_by_text("is removed.")).to_be_visible()
    before_footer = "!document.querySelector('footer').contains(document.activeElement)"
    assert page.evaluate(before_footer)
    keyboard.press("Tab")
    assert page.evaluate(f"document.activeElement !== document.body && {before_footer}")


@pytest.fixture
def named(stack: Stack) -> Iterator[Stack]:
    """A portal at a name: browsers allow no passkeys for an IP address."""
    stack.name = "localhost"
    restart_web(stack)
    yield stack
    stack.name = "127.0.0.1"
    restart_web(stack)


def test_a_passkey_is_added_and_signs_in_by_keyboard_alone(browser: Browser, named: Stack) -> None:
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.set_default_timeout(15_000)
    keyboard = Keyboard(page)
    plug_in(page)
    journey.sign_up(page, named, "Pat Passkey", "pat@keyboard.example")
    page.goto(f"{named.url}/accounts/2fa/")
    keyboard.open("Add a passkey")
    page.wait_for_url("**/webauthn/add/")
    keyboard.fill("Name", "My keys")
    keyboard.press("Enter")
    page.wait_for_url(re.compile("/2fa/(recovery-codes/)?$"))
    page.context.clear_cookies()
    page.goto(f"{named.url}/payments/")
    keyboard.open("passkey")
    page.wait_for_url("**/payments/")
    page.context.close()


def test_a_menu_opens_closes_and_gives_the_focus_back(keyboard: Keyboard, stack: Stack) -> None:
    page = keyboard.page
    journey.sign_up(page, stack, "Mia Menu", email_of(keyboard, "mia"))
    page.goto(stack.url)
    keyboard.open("Your menu")
    expect(page.locator("#member-menu")).to_be_visible()
    keyboard.press("Tab")
    assert keyboard.where() == "Account"
    keyboard.press("Escape")
    expect(page.locator("#member-menu")).to_be_hidden()
    assert keyboard.where() == "Your menu"
