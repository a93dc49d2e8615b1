"""Brings people to every page of `e2e/places.py`: what each has, and how their browser looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect

from e2e import journey
from e2e.places import PLACES, Person, Place
from e2e.stack import Stack
from e2e.test_passkeys import plug_in
from e2e.test_second_step import restart_web
from e2e.test_zelle import TERMS
from members.tests.authenticator import code_of

PHONE = "+12025550143"
FAILS_LATER = "4000 0000 0000 0341"
LONG_NAME = "Nelly-Antoinette Featherstonehaugh-Cholmondeley de Montmorency-Wolverhampton"
EMAILS = {
    Person.ADA: "ada@walk.example",
    Person.NELL: "nelly-antoinette.featherstonehaugh-cholmondeley@a-rather-long-domain.example",
    Person.FAY: "fay@walk.example",
    Person.CLEO: "cleo@walk.example",
    Person.EVE: "eve@walk.example",
}
OF_ADA = """
    SELECT {what} FROM billing_{table} AS one
    JOIN billing_customer ON billing_customer.id = one.customer_id
    JOIN auth_user ON auth_user.id = user_id WHERE auth_user.email = %s
"""
INVITE = """
from emails.models import Message
from members.accounts import open_account
from portal.backoffice import invitations
from portal.models import StaffRole
olga = open_account("olga@walk.example", "Olga Owner", is_staff=True, is_superuser=True)
invitations.invite(olga, "{email}", StaffRole.objects.get(key="support"))
invited = Message.objects.get(kind="staff_invited", recipient="{email}")
print(invited.context["url"])
"""
ASK = """
from django.contrib.auth.models import User
from billing.facts import pay_links
from billing.payments import payment_requests
from common.money import Money
from emails import unsubscribe_links
from emails.models import Message
ada = User.objects.get(email={email!r})
sent = [payment_requests.send(ada, Money(4000, "usd"), text, 14, ada)
        for text in ("Workshop fee", "Key deposit", "Mat rental")]
payment_requests.cancel(sent[1], ada)
print("\\n".join(pay_links.path_of(one) for one in sent))
mails = Message.objects.filter(user=ada, channel="email")
print(next(filter(None, map(unsubscribe_links.address, mails))))
"""


@dataclass
class World:
    """The people's browsers, and what stands in addresses."""

    browser: Browser
    stack: Stack
    known: dict[str, str] = field(default_factory=dict)
    pages: dict[Person, Page] = field(default_factory=dict)
    waiting: dict[str, Page] = field(default_factory=dict)

    def context(self) -> BrowserContext:
        """Return a browser of its own."""
        return self.browser.new_context(reduced_motion="reduce")

    def page(self, person: Person) -> Page:
        """Return a person's browser."""
        if person not in self.pages:
            page = self.context().new_page()
            page.set_default_timeout(20_000)
            self.pages[person] = page
        return self.pages[person]

    def path(self, place: Place) -> str:
        """Return where a page is."""
        arguments = [self.known[name] for name in place.arguments]
        # Reversed in this process, where nobody develops.
        path = "/error/{}/".format(*arguments) if place.name == "error-page" else ""
        path = path or reverse(place.name, args=arguments)
        return path + (f"?{self.known[place.query]}" if place.query else "")

    def visits(self) -> Iterator[tuple[str, Page]]:
        """Open each page for each of its people: what it's called, and the browser."""
        for place in PLACES:
            for person in place.seen_by:
                if person is Person.WAITING:
                    page = self.waiting[place.name]
                else:
                    page = self.page(person)
                    self._open(page, place)
                assert urlsplit(page.url).path == urlsplit(self.path(place)).path, (
                    f"{place} for {person.name} leads to {page.url}"
                )
                if place.name == "error-page":
                    # Whatever isn't found says so at the same address.
                    expect(page.locator(".error-code")).to_contain_text(place.arguments[0])
                yield f"{place} for {person.name}", page

    def _open(self, page: Page, place: Place) -> None:
        """Open a page, confirming who one is if it asks for that."""
        page.goto(f"{self.stack.url}{self.path(place)}")
        if "reauthenticate" in place.name or "reauthenticate" not in page.url:
            return
        if page.locator("[name=password]").count():
            page.locator("[name=password]").fill(journey.PASSWORD)
            page.locator("main button[type=submit]").first.click()
        else:
            page.get_by_role("button", name=re.compile("passkey")).first.click()
        expect(page).not_to_have_url(re.compile("reauthenticate"))

    def tell(self, **known: object) -> None:
        """Remember what stands in addresses."""
        self.known |= {name: str(value) for name, value in known.items()}


@contextmanager
def walking(browser: Browser, stack: Stack) -> Iterator[World]:
    """Make the people and what they have, at a name, as passkeys need one."""
    before = stack.name
    stack.name = "localhost"
    restart_web(stack)
    stack.sql(TERMS)
    world = World(browser, stack)
    try:
        for make in MAKE:
            make(world)
        yield world
    finally:
        for page in [*world.pages.values(), *world.waiting.values()]:
            page.context.close()
        stack.sql("DELETE FROM billing_zelleterms")
        stack.name = before
        restart_web(stack)


def _one(stack: Stack, table: str, what: str = "min(one.id)") -> str:
    [[found]] = stack.sql(OF_ADA.format(what=what, table=table), EMAILS[Person.ADA])
    return str(found)


def _query(page: Page) -> str:
    return urlsplit(page.url).query


def _token(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]


def _join(world: World) -> None:
    """Ada, Fay, and Eve become members; time passes, and Fay's next payment fails."""
    people = [
        (Person.ADA, "Ada Axe", journey.GOOD_CARD),
        (Person.FAY, "Fay Failed", FAILS_LATER),
        (Person.EVE, "Eve Ended", journey.GOOD_CARD),
    ]
    for person, name, card in people:
        journey.sign_up(world.page(person), world.stack, name, EMAILS[person])
        journey.subscribe(world.page(person), world.stack, card)
    world.tell(chosen_price="price=", session_of_joining=_query(world.page(Person.ADA)))
    world.stack.settle()
    customer = journey.customer_of(world.stack, EMAILS[Person.EVE])
    [subscription] = world.stack.stripe("GET", f"subscriptions?customer={customer}")["data"]
    world.stack.stripe("DELETE", f"subscriptions/{subscription['id']}")
    world.stack.control("clock", advance_seconds=32 * 86_400)
    world.stack.settle()


def _pay(world: World) -> None:
    """Ada pays an amount and another by Zelle; part of her membership is refunded."""
    stack, page = world.stack, world.page(Person.ADA)
    page.goto(f"{stack.url}/payments/new/?amount=62.50")
    page.locator("[name=note]").fill("Guest pass for Olga")
    page.locator("[name=note]").press("Enter")
    journey.pay(page)
    expect(page).to_have_url(re.compile("/payments/result/"))
    world.tell(session_of_paying=_query(page))
    page.goto(f"{stack.url}/payments/new/?amount=20")
    page.locator("[name=by][value=zelle]").click()
    expect(page).to_have_url(re.compile("/zelle/"))
    world.tell(zelle=_token(page.url))
    stack.settle()
    note = {"amount": "1500", "refund_amount": "1000", "credit_amount": "500"}
    stack.stripe(
        "POST",
        "credit_notes",
        invoice=_one(stack, "invoice", "(array_agg(one.stripe_id ORDER BY one.id))[1]"),
        **note,
    )
    stack.settle()
    [[unpaid]] = stack.sql(
        "SELECT one.id FROM billing_invoice AS one JOIN billing_customer ON"
        " billing_customer.id = customer_id JOIN auth_user ON auth_user.id = user_id"
        " WHERE auth_user.email = %s AND one.status = 'open'",
        EMAILS[Person.FAY],
    )
    [[yearly]] = stack.sql("SELECT id FROM billing_plan WHERE interval = 'year' LIMIT 1")
    world.tell(
        invoice=_one(stack, "invoice"),
        payment=_one(stack, "payment"),
        single=_one(stack, "payment", "max(one.id)"),
        refund=_one(stack, "refund"),
        unpaid_invoice=unpaid,
        yearly=yearly,
        year=datetime.now(UTC).year,
        nothing_found="q=nothing+of+the+kind",
    )


def _ask(world: World) -> None:
    """Staff ask Ada to pay: one is open, one canceled, and one paid by a guest."""
    stack = world.stack
    done = stack.run("manage.py", "shell", "-c", ASK.format(email=EMAILS[Person.ADA]))
    assert done.returncode == 0, done.stderr
    links = [line for line in done.stdout.splitlines() if line.startswith("/pay/")]
    open_link, closed_link, paid_link = map(_token, links)
    world.tell(unsubscribe=_token(done.stdout.strip().splitlines()[-1]))
    world.tell(open_link=open_link, closed_link=closed_link, paid_link=paid_link)
    guest = world.page(Person.VISITOR)
    guest.goto(f"{stack.url}/pay/{paid_link}/")
    guest.get_by_role("button", name=re.compile("40")).click()
    guest.get_by_label("Email").first.fill("aunt@walk.example")
    journey.pay(guest)
    expect(guest).to_have_url(re.compile("/result/"))
    world.tell(session_of_guest=_query(guest), no_link="1.nobody", broken="broken")
    world.tell(**{str(code): code for code in (400, 403, 404, 405, 413, 429, 500)})


def _newcomers(world: World) -> None:
    """Nell signs up; Cleo signs up and closes her account."""
    stack = world.stack
    journey.sign_up(world.page(Person.NELL), stack, LONG_NAME, EMAILS[Person.NELL])
    cleo = world.page(Person.CLEO)
    journey.sign_up(cleo, stack, "Cleo Closing", EMAILS[Person.CLEO])
    cleo.goto(f"{stack.url}{reverse('selfservice:close')}")
    cleo.get_by_role("button", name="Close my account").click()
    mail = journey.newest_mail(stack, EMAILS[Person.CLEO], "clos")
    link = re.search(r"\S+/account/close/undo/\S+", mail["text"])
    assert link, mail["text"]
    world.tell(closing=_token(link.group()))
    done = stack.run("manage.py", "shell", "-c", INVITE.format(email=EMAILS[Person.NELL]))
    assert done.returncode == 0, done.stderr
    world.tell(invited=_token(done.stdout.strip().splitlines()[-1]))


def _wait(world: World) -> None:
    """Bring browsers to the pages in the middle of signing up and in."""
    stack = world.stack

    def start(name: str, path: str) -> Page:
        page = world.waiting[name] = world.context().new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{stack.url}{path}")
        return page

    def sign_up(name: str, email: str, phone: str = "") -> Page:
        page = start(name, "/accounts/signup/")
        page.locator("[name=name]").fill("Wanda Waiting")
        page.locator("[name=email]").fill(email)
        page.locator("[name=password1]").fill(journey.PASSWORD)
        if phone:
            page.locator("[name=phone]").fill(phone)
        page.locator("[name=email]").press("Enter")
        return page

    sign_up("account_email_verification_sent", "wanda@walk.example")
    page = sign_up("account_verify_phone", "will@walk.example", PHONE)
    text = journey.newest_mail(stack, "will@walk.example")["text"]
    journey.enter_code(page, journey.code_in(text))
    expect(page).to_have_url(re.compile("/phone/verify/"))
    page = start("account_confirm_login_code", "/accounts/login/code/")
    page.locator("[name=email]").fill(EMAILS[Person.EVE])
    page.locator("main button[type=submit]").first.click()
    mail = journey.newest_mail(stack, EMAILS[Person.EVE], "sign-in")
    link = re.search(r"\S+/accounts/login/link/\S+", mail["text"])
    assert link, mail["text"]
    world.tell(sign_in=_token(link.group()))
    page = start("account_confirm_password_reset_code", "/accounts/password/reset/")
    page.locator("[name=email]").fill(EMAILS[Person.EVE])
    page.locator("main button[type=submit]").first.click()
    expect(page).to_have_url(re.compile("/password/reset/confirm/"))


def _protect(world: World) -> None:
    """Ada adds an app and a passkey; another browser of hers is asked for the second step."""
    stack, page = world.stack, world.page(Person.ADA)
    plug_in(page)
    page.goto(f"{stack.url}{reverse('mfa_activate_totp')}")
    if "reauthenticate" in page.url:
        page.locator("[name=password]").fill(journey.PASSWORD)
        page.locator("main button[type=submit]").first.click()
    page.locator("[name=code]").fill(code_of(page.locator(".key").first.inner_text()))
    page.locator("[name=code]").press("Enter")
    expect(page).to_have_url(re.compile("/recovery-codes/"))
    page.goto(f"{stack.url}{reverse('mfa_add_webauthn')}")
    page.locator("[name=name]").fill("Ada’s phone")
    page.locator("[name=name]").press("Enter")
    expect(page).not_to_have_url(re.compile("/add/"))
    [[passkey]] = stack.sql(
        "SELECT mfa_authenticator.id FROM mfa_authenticator JOIN auth_user ON auth_user.id ="
        " user_id WHERE email = %s AND type = 'webauthn'",
        EMAILS[Person.ADA],
    )
    world.tell(passkey=passkey)
    other = world.waiting["mfa_authenticate"] = world.context().new_page()
    other.set_default_timeout(20_000)
    other.goto(f"{stack.url}/accounts/login/")
    journey.fill_sign_in(other, EMAILS[Person.ADA])
    expect(other).to_have_url(re.compile("/2fa/authenticate/"))


MAKE: list[Callable[[World], None]] = [_join, _pay, _ask, _newcomers, _wait, _protect]
