"""The people in these tests, and what they do in the browser: real addresses, forms, codes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from emails.models import Message
from members.accounts import open_account
from members.models import Member

ALICE = "alice@example.com"
BOB = "bob@example.com"
PASSWORD = "correct horse battery"
PHONE = "+14155552671"
OTHER_PHONE = "+12125550123"


def alice(**fields: Any) -> User:
    """Return Alice, who has an account and a verified email address."""
    return open_account(ALICE, "Alice Archer", PASSWORD, **fields)


def bob(**fields: Any) -> User:
    """Return Bob, a stranger to Alice."""
    return open_account(BOB, "Bob Baker", PASSWORD, **fields)


class Browser(Client):
    """A browser whose forms carry its cookie's CSRF token, which the portal checks."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(enforce_csrf_checks=True, **defaults)
        self.cookies["csrftoken"] = "t" * 32

    def request(self, **request: Any) -> Any:
        """Send a request as a page of ours would."""
        return super().request(**{"HTTP_X_CSRFTOKEN": self.cookies["csrftoken"].value, **request})


def browser(user: User | None = None, address: str = "192.0.2.1") -> Browser:
    """Return a browser at an internet address, signed in or not."""
    client = Browser(REMOTE_ADDR=address)
    if user:
        client.force_login(user)
    return client


def sign_up(client: Client, email: str = ALICE, **fields: str) -> Any:
    """Send the sign-up form."""
    form = {"name": "Alice Archer", "email": email, "password1": PASSWORD, **fields}
    return client.post(reverse("account_signup"), form)


def last_message(recipient: str) -> Message:
    """Return the newest message in the outbox for an address or number."""
    message = Message.objects.filter(recipient=recipient).order_by("-id").first()
    assert message is not None, f"no message for {recipient}"
    return message


def last_code(recipient: str) -> str:
    """Return the code in the newest message for an address or number."""
    return str(last_message(recipient).context["code"])


def texts(phone: str = PHONE) -> int:
    """Return how many text messages were put into the outbox for a number."""
    return Message.objects.filter(recipient=phone).count()


def post(client: Client, name: str, **fields: str) -> Any:
    """Send a form to the address of this name."""
    return client.post(reverse(name), fields)


def enter_email_code(client: Client, email: str = ALICE, code: str = "") -> Any:
    """Enter the code from the mailbox."""
    url = reverse("account_email_verification_sent")
    return client.post(url, {"code": code or last_code(email)})


def enter_phone_code(client: Client, phone: str = PHONE, code: str = "") -> Any:
    """Enter the code from the phone."""
    return client.post(reverse("account_verify_phone"), {"code": code or last_code(phone)})


def log_in(client: Client, email: str = ALICE, password: str = PASSWORD) -> Any:
    """Send the sign-in form."""
    return client.post(reverse("account_login"), {"login": email, "password": password})


def fresh(user: User, address: str = "192.0.2.1") -> Browser:
    """Return the browser of someone who has just signed in with their password."""
    client = browser(address=address)
    log_in(client, user.email)
    assert is_signed_in(client)
    return client


def is_signed_in(client: Client) -> bool:
    """Whether the browser is signed in."""
    return "_auth_user_id" in client.session


def member(email: str = ALICE) -> Member:
    """Return the member of an address as the database has it."""
    return Member.objects.get(user__email=email)
