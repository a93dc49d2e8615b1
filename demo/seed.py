"""The demo's world: about forty members and a year of payments, made the real way.

People sign up and pay on dates in the past year: the sandbox's clock is set back, the portal's own
code opens each Checkout, the sandbox completes it, and Stripe's events arrive by webhook. Only the
users themselves are written directly to the database, as if they had signed up then.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
import httpx

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402

from billing.core.statuses import OPEN_EVENT  # noqa: E402
from billing.membership import checkout  # noqa: E402
from billing.models import (  # noqa: E402
    Dispute,
    Payment,
    RetentionOffer,
    StripeEvent,
    Subscription,
)
from billing.sync import catalog  # noqa: E402
from demo import seed_zelle as zelle_story  # noqa: E402
from demo.brand import make_brand  # noqa: E402
from demo.seed_refunds import RefundStory  # noqa: E402
from members import consent, phones, terms  # noqa: E402
from members.accounts import open_account  # noqa: E402
from members.models import (  # noqa: E402
    AgreedWhere,
    ConsentSource,
    SignIn,
    TermsAcceptance,
)
from portal.backoffice.roles import Role  # noqa: E402

SIGN_INS = Path(__file__).resolve().parent.parent / ".data" / "demo" / "signins.json"
PASSWORD = "quiet-harbor-morning"
GOOD, DECLINED_LATER = "4242424242424242", "4000000000000341"
# Its bank reports each payment as fraud.
REPORTED = "4000000000005423"
SETTLE_SECONDS = 240

# Name, days since they joined, card, days since they canceled (or None), whether they agreed to
# texts.
PEOPLE: list[tuple[str, int, str, int | None, bool]] = [
    ("Anna Keller", 352, GOOD, None, True),
    ("Marcus Webb", 341, GOOD, None, False),
    ("Priya Raman", 333, GOOD, 61, True),
    ("Tom Okafor", 325, GOOD, None, False),
    ("Lucía Fernández", 318, GOOD, None, True),
    ("Hannah Lindqvist", 306, GOOD, None, False),
    ("Daniel Cho", 297, GOOD, 120, False),
    ("Grace Abara", 288, GOOD, None, True),
    ("Owen Murphy", 279, GOOD, None, False),
    ("Sofia Rossi", 270, GOOD, None, True),
    ("Elias Haddad", 262, GOOD, None, False),
    ("Nora Jensen", 251, GOOD, None, False),
    ("Victor Almeida", 243, GOOD, 35, False),
    ("Mei Tanaka", 236, GOOD, None, True),
    ("James Whitfield", 224, GOOD, None, False),
    ("Aisha Bello", 215, GOOD, None, False),
    ("Karl Brandt", 204, GOOD, 90, False),
    ("Julia Novak", 196, GOOD, None, True),
    ("Samuel Ortiz", 187, GOOD, None, False),
    ("Ingrid Dahl", 178, GOOD, None, False),
    ("Peter Sullivan", 171, GOOD, None, True),
    ("Leila Karimi", 160, GOOD, None, False),
    ("Matteo Greco", 152, GOOD, 20, False),
    ("Chloe Bernard", 141, GOOD, None, False),
    ("Ravi Patel", 133, GOOD, None, True),
    ("Emma Thornton", 122, GOOD, None, False),
    ("Noah Fischer", 113, GOOD, None, False),
    ("Zoe Papadakis", 104, GOOD, None, True),
    ("Andre Dubois", 96, GOOD, 6, False),
    ("Isabel Moreno", 84, GOOD, None, False),
    ("Lars Eriksen", 75, GOOD, None, False),
    ("Fatima Zahra", 66, GOOD, None, True),
    ("Ben Carver", 57, GOOD, None, False),
    ("Yuki Mori", 49, GOOD, None, False),
    ("Olivia Grant", 38, GOOD, None, True),
    ("Theo Laurent", 33, DECLINED_LATER, None, True),
    ("Maya Stein", 31, DECLINED_LATER, None, False),
    ("Jonas Weber", 20, GOOD, None, False),
    ("Clara Whitman", 9, GOOD, None, True),
    ("Dana Holt", 4, REPORTED, None, False),
    ("Henry Adeyemi", 1, GOOD, None, True),
]
VISITOR = "Robin Vale"
# Who disputes a payment, why, how many days ago, and whether the bank decided for them.
DISPUTES: list[tuple[str, str, int, bool]] = [
    ("Samuel Ortiz", "subscription_canceled", 100, True),
    ("Jonas Weber", "fraudulent", 6, False),
]
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"
PROMOTION_CODE = "WELCOME50"
# Who rents a locker besides the membership, and for how many days so far.
LOCKER_OF, LOCKER_DAYS = "Elias Haddad", 40
# For how many days Stripe has paid out by itself.
PAYOUT_DAYS = 75
# Some of them pay yearly.
YEARLY = {"Grace Abara", "Mei Tanaka", "Isabel Moreno"}
COUPONS = [
    {
        "id": "welcome",
        "name": "Welcome",
        "percent_off": "50",
        "duration": "once",
    },
    {
        "id": "stay",
        "name": "Good to have you",
        "percent_off": "20",
        "duration": "repeating",
        "duration_in_months": "3",
    },
]


@dataclass(frozen=True)
class Happening:
    """Something that's done in the past, at its time."""

    at: datetime
    do: Callable[[], None]


class Sandbox:
    """The running sandbox's control address."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=120, trust_env=False)

    def control(self, path: str, **values: Any) -> Any:
        """Post to the control address and return its answer."""
        answer = self.client.post(f"/_sandbox/{path}", json=values)
        answer.raise_for_status()
        return answer.json()

    def set_clock(self, moment: datetime) -> None:
        """Let time pass until a moment; everything due by then happens."""
        self.control("clock", set=int(moment.timestamp()))


def main() -> int:
    """Make the world, and write down who can sign in."""
    sandbox = Sandbox(os.environ["STRIPE_API_BASE"])
    now = datetime.now(UTC)
    staff = _make_staff(now - timedelta(days=400))
    _make_user(VISITOR, now - timedelta(hours=2), texts=False)
    make_brand(_user("Alex Morgan"))
    catalog.sync_current_plan()
    _make_offers()

    def wait() -> None:
        sandbox.control("idle", timeout=SETTLE_SECONDS)
        _wait_until_processed()

    story = RefundStory(sandbox, _post, _user, wait)
    told = [Happening(at, do) for at, do in story.happenings(now)]
    happenings = sorted([*_happenings(sandbox, now), *told], key=lambda one: one.at)
    sandbox.set_clock(now - timedelta(days=366))
    for number, happening in enumerate(happenings, 1):
        sandbox.set_clock(happening.at)
        happening.do()
        print(f"{number} of {len(happenings)}: {happening.at:%Y-%m-%d}", flush=True)
    sandbox.set_clock(datetime.now(UTC))
    wait()
    story.finish()
    _make_user(zelle_story.NEW_MEMBER, now - timedelta(hours=3), texts=False)
    zelle_story.ZelleStory(sandbox, _user, wait).tell()
    call_command("verify_ledger", verbosity=0)
    _write_sign_ins(staff)
    return 0


def _happenings(sandbox: Sandbox, now: datetime) -> Iterator[Happening]:
    chance = random.Random(7)
    for name, joined, card, canceled, texts in PEOPLE:
        at = now - timedelta(days=joined, minutes=chance.randrange(1, 600))
        yield Happening(at, _joining(sandbox, name, at, card, texts=texts))
        if canceled:
            at = now - timedelta(days=canceled, minutes=chance.randrange(600))
            yield Happening(at, _cancelling(name))
    # From here on Stripe pays out every day; the first payout has all from before.
    at = now - timedelta(days=PAYOUT_DAYS)
    yield Happening(at, lambda: sandbox.control("switches", automatic_payouts=True))
    yield Happening(now - timedelta(days=LOCKER_DAYS), _renting(LOCKER_OF))
    for name, reason, days, is_lost in DISPUTES:
        at = now - timedelta(days=days)
        yield Happening(at, _disputing(sandbox, name, reason))
        if is_lost:
            yield Happening(at + timedelta(days=4), _losing(name))


def _joining(
    sandbox: Sandbox, name: str, at: datetime, card: str, *, texts: bool
) -> Callable[[], None]:
    def join() -> None:
        user = _make_user(name, at, texts=texts)
        yearly = os.environ["STRIPE_YEARLY_PRICE_ID"] if name in YEARLY else ""
        checkout.start_membership(user, yearly)
        session = user.customers.get().checkouts.get().session_id
        sandbox.control(f"checkout/{session}/complete", card=card, authenticate=True)

    return join


def _cancelling(name: str) -> Callable[[], None]:
    """Cancel at the end of the period, as the member would on Stripe's page."""

    def cancel() -> None:
        _wait_until_processed()
        row = Subscription.objects.get(customer__user__email=_email(name))
        _post(f"subscriptions/{row.stripe_id}", {"cancel_at_period_end": "true"})

    return cancel


def _renting(name: str) -> Callable[[], None]:
    """Rent someone a locker besides the membership, as in Stripe's dashboard."""

    def rent() -> None:
        _wait_until_processed()
        row = Subscription.objects.get(customer__user__email=_email(name))
        locker = {
            "currency": "usd",
            "unit_amount": "900",
            "recurring[interval]": "month",
            "product_data[name]": "Locker rental",
        }
        price = _post("prices", locker)["id"]
        _post(
            "subscriptions",
            {
                "customer": row.customer.stripe_id,
                "items[0][price]": price,
                "default_payment_method": row.method_id,
            },
        )

    return rent


def _disputing(sandbox: Sandbox, name: str, reason: str) -> Callable[[], None]:
    """Take the last payment back through the bank."""

    def dispute() -> None:
        _wait_until_processed()
        paid = Payment.objects.filter(customer__user__email=_email(name), paid_at__isnull=False)
        sandbox.control(f"charges/{paid.latest('paid_at').charge_id}/dispute", reason=reason)

    return dispute


def _losing(name: str) -> Callable[[], None]:
    """Answer a dispute and lose it: the bank decides seconds later."""

    def lose() -> None:
        _wait_until_processed()
        row = Dispute.objects.get(customer__user__email=_email(name))
        _post(f"disputes/{row.stripe_id}", {"evidence[uncategorized_text]": "losing_evidence"})

    return lose


def _post(path: str, data: dict[str, str]) -> Any:
    """Make a request to Stripe, as its dashboard does; return the answer."""
    answer = httpx.post(
        f"{os.environ['STRIPE_API_BASE']}/v1/{path}",
        data=data,
        auth=(os.environ["STRIPE_SECRET_KEY"], ""),
        trust_env=False,
    )
    answer.raise_for_status()
    return answer.json()


def _make_user(name: str, joined: datetime, *, texts: bool) -> User:
    user = open_account(_email(name), name, PASSWORD, date_joined=joined)
    if texts:
        phones.confirm(user, f"+1202555{100 + user.pk % 100:04d}")
        consent.agree(user.member, ConsentSource.SIGNUP)
    _leave_traces(user, joined)
    return user


def _leave_traces(user: User, joined: datetime) -> None:
    """Record that they agreed to the terms, and signed in once a month."""
    ip = f"198.51.100.{1 + user.pk % 250}"
    terms.accept(user, AgreedWhere.SIGNUP, ip)
    TermsAcceptance.objects.filter(user=user).update(happened_at=joined)
    months = (datetime.now(UTC) - joined).days // 30 + 1
    last = joined
    for month in range(months):
        row = SignIn.objects.create(user=user, ip=ip, user_agent=BROWSER, method="password")
        last = joined + timedelta(days=30 * month)
        SignIn.objects.filter(pk=row.pk).update(happened_at=last)
    User.objects.filter(pk=user.pk).update(last_login=last)


def _make_offers() -> None:
    """Make a promo code for newcomers, and an offer for members who are leaving."""
    stripe = httpx.Client(
        base_url=f"{os.environ['STRIPE_API_BASE']}/v1",
        auth=(os.environ["STRIPE_SECRET_KEY"], ""),
        trust_env=False,
    )
    for coupon in COUPONS:
        stripe.post("/coupons", data=coupon).raise_for_status()
    code = {"code": PROMOTION_CODE, "promotion[type]": "coupon", "promotion[coupon]": "welcome"}
    stripe.post("/promotion_codes", data=code).raise_for_status()
    RetentionOffer.objects.create(
        headline="Would it help if it cost less for a while?",
        text="We would like to keep you.",
        coupon_id="stay",
        percent_off=20,
        duration="repeating",
        months=3,
    )


def _make_staff(joined: datetime) -> list[dict[str, str]]:
    """Make the owner, and one of support, billing (who decides on large refunds), and finance."""
    owner = open_account(
        _email("Alex Morgan"),
        "Alex Morgan",
        PASSWORD,
        date_joined=joined,
        is_staff=True,
        is_superuser=True,
    )
    support = open_account(
        _email("Sam Rivera"), "Sam Rivera", PASSWORD, date_joined=joined, is_staff=True
    )
    support.groups.add(Group.objects.get(staffrole__key=Role.SUPPORT))
    billing = open_account(
        _email("Jamie Lee"), "Jamie Lee", PASSWORD, date_joined=joined, is_staff=True
    )
    billing.groups.add(Group.objects.get(staffrole__key=Role.BILLING))
    finance = open_account(
        _email("Noor Aziz"), "Noor Aziz", PASSWORD, date_joined=joined, is_staff=True
    )
    finance.groups.add(Group.objects.get(staffrole__key=Role.FINANCE))
    return [
        _sign_in("Staff (owner)", owner.email),
        _sign_in("Staff (support)", support.email),
        _sign_in("Staff (billing)", billing.email),
        _sign_in("Staff (finance)", finance.email),
    ]


def _user(name: str) -> User:
    return User.objects.get(email=_email(name))


def _email(name: str) -> str:
    plain = name.lower().replace(" ", ".").translate(str.maketrans("íáéóú", "iaeou"))
    return f"{plain}@example.com"


def _sign_in(role: str, email: str) -> dict[str, str]:
    return {"role": role, "email": email, "password": PASSWORD}


def _wait_until_processed() -> None:
    """Wait until the worker has processed everything that arrived."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while StripeEvent.objects.filter(state__in=OPEN_EVENT).exists():
        if time.monotonic() > deadline:
            raise TimeoutError("The worker did not process the events in time.")
        time.sleep(0.1)


def _write_sign_ins(staff: list[dict[str, str]]) -> None:
    rows = [
        _sign_in("Member", _email("Anna Keller")),
        _sign_in("Unpaid", _email("Theo Laurent")),
        _sign_in("Visitor", _email(VISITOR)),
        _sign_in("Refunded", _email("Aisha Bello")),
        _sign_in("Paying by Zelle", _email(zelle_story.WAITING[0])),
        *staff,
    ]
    SIGN_INS.parent.mkdir(parents=True, exist_ok=True)
    SIGN_INS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
