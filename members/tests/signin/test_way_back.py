"""Every form, sent too late: where its sender ends up, and what the page says.

The addresses come from the URLconf, so a new view is tested automatically.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse
from django.utils import timezone

from billing.core.statuses import RefundReason
from billing.facts import pay_links
from billing.models import CreditNote, Invoice, Item, Payment, PaymentRequest, Refund
from billing.refunds import service as refunds
from billing.refunds.service import RefundRequest
from billing.tests import factories, staff_world
from billing.tests.zelle import bank as zelle
from billing.tests.zelle.world import make_terms
from conftest import Sandbox
from emails import unsubscribe_links
from emails.catalog import Kind
from emails.models import Message
from members import corrections
from members.accounts import open_account
from members.signin.way_back import (
    ANY,
    EXPIRED,
    FORMS,
    MIDWAY,
    SIGN_IN_FIRST,
    SIGNED_OUT,
    TOOK_TOO_LONG,
)
from members.tests.actors import (
    ALICE,
    PASSWORD,
    PHONE,
    alice,
    browser,
    last_code,
    last_message,
    log_in,
    post,
    sign_up,
)
from members.tests.signin.test_passkeys import add as add_passkey
from portal.backoffice import invitations
from portal.models import DataExport, PlannedClosing, StaffInvitation, StaffRole
from portal.selfservice import closing

pytestmark = pytest.mark.django_db
MACHINES = {"stripe-webhook", "sms-status", "sms-inbound", "email-events", "healthz"}
# Public addresses, whose forms need no sign-in.
DOORS = {
    "account_login",
    "account_signup",
    "account_request_login_code",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_password_reset_completed",
    "account_inactive",
    "account_logout",
    "account_login_link",
    "mfa_login_webauthn",
    # Of Google and Apple, which nobody has set up here.
    "google_login",
    "google_callback",
    "apple_login",
    "apple_callback",
    "apple_finish_callback",
    "socialaccount_signup",
    "members:confirm-email",
    "members:unsubscribe",
    "short-link",
    "billing:pay",
    "billing:pay-result",
    "selfservice:help",
    "billing:join",
    "billing:join-choose",
    "selfservice:close-undo-link",
    "staff-invitation",
    "brand-css",
    "brand-picture",
    "styleguide",
    "error-page",
}
# Sent for a script of the staff site's, or by a link: no form leads there, and no page is shown.
NO_PAGES = re.compile(
    r"(autocomplete|jsi18n|view_on_site|_open_in_stripe|_export|_evidence|_preview|search)$"
    r"|^(login|logout|password_change)$"
)
# Only to be read: a way to confirm who one is stands before it.
TO_READ = {"mfa_view_recovery_codes", "mfa_download_recovery_codes"}


# For everybody, and of use to who is signed in, too.
SAID = {
    "billing:pay",
    "account_login_link",
    "account_logout",
    "members:confirm-email",
    "account_reset_password_from_key",
    "selfservice:help",
    "billing:join",
    "billing:join-choose",
    "selfservice:close-undo-link",
    "staff-invitation",
}
# Without a form of their own, though they would answer one.
OVERVIEWS = {"home", "members:account", "mfa_index"}


def addresses() -> dict[str, str]:
    """Return the patterns of all addresses that people visit but for the staff site's, by name."""
    routes = {}
    for route, pattern in walk(get_resolver()):
        if route.startswith("staff/") or pattern.name in MACHINES:
            continue
        routes[resolve_name(route, pattern)] = route
    return routes


def walk(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from walk(one, route)
        else:
            yield route, one


def resolve_name(route: str, pattern: URLPattern) -> str:
    """Return a view's name with its namespace."""
    filled = re.sub(r"<int:\w+>", "1", re.sub(r"<str:\w+>", "x", route))
    filled = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=0)), filled)
    return resolve(f"/{filled}").view_name


def csrf_token(client: Client) -> None:
    client.cookies["csrftoken"] = "t" * 32


NAMES = sorted(addresses())
FOR_MEMBERS = [name for name in NAMES if name not in DOORS | MIDWAY | TO_READ]


@pytest.fixture
def member(sandbox: Sandbox) -> User:
    """Alice, who has one of everything that an address may name."""
    user = alice()
    customer = factories.make_customer(user)
    factories.make_plan()
    subscription = factories.make_subscription(customer)
    invoice = factories.make_invoice(customer, subscription=subscription)
    factories.make_credit_note(invoice)
    factories.make_payment(invoice=invoice)
    factories.make_payment(customer, paid_at=timezone.now())
    make_terms()
    return user


def arguments(name: str, user: User) -> dict[str, Any]:
    """Return what an address of this name needs, of Alice's own."""
    single = Payment.objects.for_user(user).get(invoice=None)
    made: dict[str, Callable[[], Model]] = {
        "switch": lambda: factories.make_plan(stripe_id="price_yearly", interval="year"),
        "use-card": lambda: single,
        **dict.fromkeys(("payment", "receipt", "email-receipt"), lambda: single),
        "request-refund": lambda: single,
        **dict.fromkeys(
            ("default-card", "remove-card"),
            lambda: factories.make_payment_method(user.customers.get()),
        ),
        "pay-item": lambda: Item.objects.create(name="Mat", amount=4000, currency="usd"),
        "refund": lambda: ask_for_refund(user),
        "withdraw-refund": lambda: ask_for_refund(user),
        **dict.fromkeys(("zelle", "zelle-sent", "zelle-cancel"), lambda: zelle.expect(user)),
        "zelle-receipt": lambda: zelle.expect(user, state="confirmed"),
        "data-download": lambda: DataExport.objects.create(user=user),
        **dict.fromkeys(("mfa_edit_webauthn", "mfa_remove_webauthn"), lambda: a_passkey(user)),
        "usersessions_end": lambda: UserSession.objects.create(
            user=user, ip="192.0.2.1", session_key="k" * 32, user_agent="x"
        ),
        "social_disconnect": lambda: SocialAccount.objects.create(
            user=user, provider="google", uid="1"
        ),
        "credit-note-pdf": lambda: CreditNote.objects.get(),  # noqa: PLW0108
    }
    if name in ("billing:pay", "billing:pay-result"):
        asked = PaymentRequest.objects.create(
            user=user, amount=4000, currency="usd", description="Key"
        )
        return {"token": pay_links.path_of(asked).split("/")[2]}
    if name == "account_reset_password_from_key":
        return {"uidb36": "x", "key": "y"}
    if "<str:token>" in route(name):
        return {"token": token(name, user)}
    if "<int:year>" in route(name):
        return {"year": single.created_at.year}
    if ":pk>" not in route(name):
        return {}
    make = made.get(name.partition(":")[2] or name)
    return {"pk": make().pk if make else Invoice.objects.get().pk}


def token(name: str, user: User) -> str:
    """Return what a link in an email carries."""
    if name == "account_login_link":
        post(browser(), "account_request_login_code", email=ALICE)
        return str(last_message(ALICE).context["url"].split("/")[-2])
    if name == "staff-invitation":
        # Only the mail of its sending has it.
        if not StaffInvitation.objects.filter(email=user.email).exists():
            role = StaffRole.objects.get(key="support")
            invitations.invite(staff_world.superuser(), user.email, role)
        mail = Message.objects.get(kind="staff_invited", recipient=user.email)
        return str(mail.context["url"]).split("/")[-2]
    if name == "selfservice:close-undo-link":
        plan = PlannedClosing.objects.create(user=user, closes_at=timezone.now())
        return closing.token_of(plan)
    if name == "members:unsubscribe":
        mail = Message(kind=Kind.PAYMENT_RECEIVED, channel="email", user=user, recipient=ALICE)
        return unsubscribe_links.address(mail).split("/")[-2]
    named = {"user": user.pk, "old": user.email, "new": "alice@new.example.com"}
    return signing.dumps(named, salt=corrections.SALT)


def a_passkey(user: User) -> Authenticator:
    client = browser()
    log_in(client)
    add_passkey(client)
    return Authenticator.objects.get(user=user, type="webauthn")


def ask_for_refund(user: User) -> Refund:
    payment = Payment.objects.for_user(user).exclude(invoice=None).get()
    wish = RefundRequest(amount=900, reason=RefundReason.NOT_USED, key=uuid.uuid4())
    return refunds.request(user, payment.pk, wish)


def route(name: str) -> str:
    return addresses()[name]


def address(name: str, user: User) -> str:
    return reverse(name, kwargs=arguments(name, user))


def words_of(name: str) -> str:
    return SIGNED_OUT.format(failed=FORMS.get(name, ANY).failed)


def page(answer: Any) -> str:
    return unescape(answer.content.decode())


def come_back(client: Client, door: str, email: str = ALICE) -> Any:
    """Sign in where one was led to, as a browser does, and return the page one lands on."""
    shown = client.get(door, follow=True)
    assert shown.status_code == 200
    assert str(SIGN_IN_FIRST) in page(shown), door
    kept = re.search(r'name="next"[^>]*value="([^"]*)"', shown.content.decode())
    assert kept, "the form of the sign-in page forgets where one wants to go"
    fields = {"login": email, "password": PASSWORD, "next": unescape(kept.group(1))}
    landed = client.post(reverse("account_login"), fields, follow=True)
    codes = Authenticator.objects.filter(user__email=email, type="recovery_codes").first()
    if not codes:
        return landed
    code = {"code": codes.wrap().get_unused_codes()[0]}
    return client.post(reverse("mfa_authenticate"), code, follow=True)


def takes_forms(path: str, user: User) -> bool:
    """Whether an address takes forms of who is signed in."""
    return browser(user).post(path, headers={"HX-Request": "true"}).status_code != 405


@pytest.mark.slow
@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_who_was_signed_out_comes_back_to_the_form(name: str, member: User) -> None:
    client, path = browser(), address(name, member)
    answer = client.post(path)
    landed = come_back(client, answer["Location"])
    if not takes_forms(path, member):
        return
    assert name in FORMS or name in OVERVIEWS, (
        f"members.signin.way_back.FORMS has no words for {name}"
    )
    assert landed.status_code == 200, landed.redirect_chain
    assert words_of(name) in page(landed)
    assert words_of(name) not in page(client.get("/")), "it is said once"


def test_each_form_says_in_a_sentence_what_was_not_done() -> None:
    assert all(re.fullmatch(r"We couldn’t .+\.", str(form.failed)) for form in FORMS.values())


@pytest.mark.parametrize("name", ["members:text-messages", "billing:request-refund"])
def test_htmx_hears_that_nobody_is_signed_in_and_signing_in_leads_back(
    name: str, member: User
) -> None:
    client, page_of_form = browser(), "/payments/?kind=refund"
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page_of_form}"}
    for ask in (client.post, client.get) if name == "billing:request-refund" else (client.post,):
        answer = ask(address(name, member), headers=headers)
        assert answer.status_code == 401
        assert not answer.content
        assert "HX-Redirect" not in answer
    # Even by a code, which knows nothing of where one wants to go.
    post(client, "account_request_login_code", email=ALICE)
    code = {"code": last_code(ALICE)}
    landed = client.post(reverse("account_confirm_login_code"), code, follow=True)
    assert landed.redirect_chain[-1][0] == page_of_form
    assert words_of(name) not in page(landed), "the page said it already"


@pytest.mark.parametrize("current", ["https://evil.example/account/", "http://testserver//evil/"])
def test_htmx_cannot_be_told_to_lead_elsewhere(current: str, member: User) -> None:
    client = browser()
    headers = {"HX-Request": "true", "HX-Current-URL": current}
    assert client.post(reverse("billing:resume"), headers=headers).status_code == 401
    landed = log_in(client)
    assert landed["Location"] == "/"


def test_htmx_hears_that_its_page_has_expired(member: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    csrf_token(client)
    headers = {"HX-Request": "true"}
    answer = client.post(address("billing:resume", member), headers=headers)
    assert (answer.status_code, answer["Portal-Failure"]) == (403, "expired")
    client.cookies.clear()
    answer = client.post(address("billing:resume", member), headers=headers)
    assert answer.status_code == 401


def test_only_the_way_back_fills_in_again(member: User) -> None:
    client = browser()
    answer = client.post(reverse("members:profile"))
    assert " data-restores" in page(come_back(client, answer["Location"]))
    assert " data-restores" not in page(client.get(reverse("members:account")))


@pytest.mark.parametrize("name", [*FOR_MEMBERS, *sorted(MIDWAY), "account_logout"])
def test_no_address_is_empty_when_it_is_typed(name: str, member: User) -> None:
    path = address(name, member)
    for client in (browser(member), browser()):
        answer = client.get(path, follow=True)
        last = answer.redirect_chain[-1][0] if answer.redirect_chain else ""
        assert answer.status_code == 200 or last.startswith("http")


@pytest.mark.parametrize("name", sorted(FORMS))
def test_an_old_page_leads_to_itself_as_it_is_now(name: str, member: User) -> None:
    if name.startswith("admin:"):
        return
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    csrf_token(client)
    answer = client.post(address(name, member), {"csrfmiddlewaretoken": "x" * 32}, follow=True)
    assert answer.status_code == 200, answer.redirect_chain
    is_door = name in DOORS | MIDWAY and name not in SAID
    assert (EXPIRED.format(failed=FORMS[name].failed) in page(answer)) is not is_door


@pytest.mark.parametrize("has_cookie", [True, False])
@pytest.mark.parametrize("name", ["billing:subscribe", "members:profile", "account_email"])
def test_an_old_page_of_who_is_signed_out_asks_to_sign_in(
    name: str, member: User, *, has_cookie: bool
) -> None:
    client = Client(enforce_csrf_checks=True)
    if has_cookie:
        csrf_token(client)
    answer = client.post(address(name, member), {"csrfmiddlewaretoken": "x" * 32})
    client.handler.enforce_csrf_checks = False
    landed = come_back(client, answer["Location"])
    assert landed.status_code == 200
    assert words_of(name) in page(landed)


def test_an_old_sign_in_page_keeps_where_one_wants_to_go() -> None:
    client = Client(enforce_csrf_checks=True)
    csrf_token(client)
    form = {"login": ALICE, "next": "/payments/?before=1", "csrfmiddlewaretoken": "x" * 32}
    answer = client.post(reverse("account_login"), form)
    assert answer["Location"] == "/accounts/login/?next=%2Fpayments%2F%3Fbefore%3D1"
    assert EXPIRED.format(failed="We couldn’t sign you in.") in page(client.get(answer["Location"]))


def test_a_browser_without_cookies_is_told_so() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("account_login"), {"login": ALICE})
    assert answer.status_code == 403
    assert "allow cookies" in page(answer)


def test_what_another_site_sends_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice())
    csrf_token(client)
    headers = {"Origin": "https://evil.example"}
    answer = client.post(reverse("members:phone-remove"), headers=headers)
    assert answer.status_code == 403
    assert f'href="{reverse("members:account")}"' in page(answer)


@pytest.mark.parametrize("name", sorted(MIDWAY))
def test_a_sign_in_that_took_too_long_says_so(name: str) -> None:
    answer = browser().post(reverse(name), {"code": "123456"}, follow=True)
    assert answer.status_code == 200
    assert str(TOOK_TOO_LONG) in page(answer)


def test_the_way_back_holds_through_a_code_and_a_new_password(member: User) -> None:
    client = browser()
    client.post(reverse("billing:resume"))
    post(client, "account_request_login_code", email=ALICE)
    landed = client.post(
        reverse("account_confirm_login_code"), {"code": last_code(ALICE)}, follow=True
    )
    assert landed.redirect_chain[-1][0] == reverse("billing:membership")
    assert words_of("billing:resume") in page(landed)

    client = browser()
    client.post(reverse("billing:resume"))
    post(client, "account_reset_password", email=ALICE)
    post(client, "account_confirm_password_reset_code", code=last_code(ALICE))
    new = "another fine password"
    fields = {"password1": new, "password2": new}
    landed = client.post(reverse("account_complete_password_reset"), fields, follow=True)
    assert landed.redirect_chain[-1][0] == reverse("billing:membership")
    assert words_of("billing:resume") in page(landed)


def test_who_goes_elsewhere_hears_nothing_of_it(member: User) -> None:
    client = browser()
    client.post(reverse("billing:resume"))
    client.get(reverse("account_login"))
    fields = {"login": ALICE, "password": PASSWORD, "next": reverse("billing:payments")}
    landed = client.post(reverse("account_login"), fields, follow=True)
    assert landed.redirect_chain[-1][0] == reverse("billing:payments")
    assert words_of("billing:resume") not in page(landed)


def test_nothing_of_a_visitor_is_sent_again_for_who_signs_in(member: User) -> None:
    client = browser()
    client.post(reverse("account_email"), {"email": "mallory@example.com", "action_add": ""})
    log_in(client)
    again = f"{reverse('account_reauthenticate')}?next={reverse('account_email')}"
    client.post(again, {"password": PASSWORD}, follow=True)
    assert "mallory@example.com" not in page(client.get(reverse("account_email")))


def test_a_new_member_signs_up_on_the_way_back(sandbox: Sandbox) -> None:
    factories.make_plan()
    client = browser()
    client.post(reverse("billing:subscribe"))
    sign_up(client)
    code = {"code": last_code(ALICE)}
    landed = client.post(reverse("account_email_verification_sent"), code, follow=True)
    assert landed.redirect_chain[-1][0] == reverse("billing:membership")


def staff_addresses(world: staff_world.World) -> Iterator[tuple[str, str, str]]:
    """Yield view, name and address of each page of the staff site, of rows that are there."""
    rows = {f"{row._meta.app_label}/{row._meta.model_name}": row.pk for row in world.rows}
    for route, pattern in walk(get_resolver()):
        if not route.startswith("staff/") or not pattern.name or route.startswith("staff/^"):
            continue
        key = rows.get("/".join(route.split("/")[1:3]), 1)
        filled = re.sub(r"<[^>]*id>", str(key), route)
        if NO_PAGES.search(pattern.name) or "<" in filled:
            continue
        yield pattern.callback.__qualname__, pattern.name, f"/{filled}"


@pytest.mark.slow
def test_staff_come_back_to_the_page_of_their_form(sandbox: Sandbox) -> None:
    world = staff_world.make_world()
    sam = open_account("sam@example.com", "Sam Super", PASSWORD, is_staff=True, is_superuser=True)
    inside, seen = browser(sam), set[str]()
    for view, name, path in staff_addresses(world):
        client = browser(address=f"192.0.2.{len(seen)}")
        answer = client.post(path)
        assert answer["Location"] == f"{reverse('account_login')}?{urlencode({'next': path})}"
        # One page of each view is looked at: the lists of all models are one.
        if view in seen or inside.get(path, follow=True).status_code in {403, 404}:
            continue
        landed = come_back(client, answer["Location"], sam.email)
        assert landed.status_code == 200, path
        assert SIGNED_OUT.format(failed=ANY.failed) in page(landed), path
        seen |= {view, name}
    assert {"billing_refund_approve", "emails_message_resend", "billing_refundpolicy_add"} <= seen


def test_staff_who_type_the_sign_out_are_asked(member: User) -> None:
    User.objects.update(is_staff=True)
    answer = browser(member).get(reverse("admin:logout"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("account_logout")
    assert answer.status_code == 200


def test_nothing_is_done_for_who_is_signed_out(member: User) -> None:
    factories.set_member(member, phone=PHONE)
    client = browser()
    answer = client.post(reverse("members:phone-remove"))
    come_back(client, answer["Location"])
    member.member.refresh_from_db()
    assert str(member.member.phone) == PHONE
