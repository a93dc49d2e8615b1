"""A small world for the tests of the staff site, with a row of every kind, and its staff."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from billing.core.statuses import (
    CancellationReason,
    DecisionState,
    EventState,
    MembershipAction,
    RefundReason,
)
from billing.models import (
    Allocation,
    BalanceTransaction,
    BankAccount,
    BankFile,
    BankLine,
    BankMail,
    BankMailbox,
    BankTransfer,
    Checkout,
    CreditNote,
    Customer,
    ExpectedTransfer,
    IgnoredEvents,
    Invoice,
    Item,
    KnownPayer,
    MembershipDecision,
    MissingSetup,
    Payment,
    PaymentRequest,
    Payout,
    Plan,
    Product,
    Reconciliation,
    Replay,
    RetentionOffer,
    RetentionShowing,
    StripeEvent,
    Subscription,
    UnassignedCustomer,
    ZelleTerms,
)
from billing.notices.contexts import PaymentReceived
from billing.refunds import ledger
from billing.refunds import service as refunds
from billing.refunds import terms as refund_terms
from billing.refunds.service import RefundRequest
from billing.tests import factories
from business.models import (
    AttachmentsVersion,
    BookAccountsVersion,
    BrandVersion,
    LocaleVersion,
    QuietHoursVersion,
    RetentionVersion,
    SuggestionsVersion,
)
from emails.contexts import NamedAmount
from emails.models import BounceMailbox, Message, Suppression
from members.models import (
    AccessChange,
    AccountActivity,
    Device,
    Member,
    PhoneCode,
    SignIn,
    SmsConsentRecord,
    TermsAcceptance,
)
from portal.backoffice.roles import Role, make_groups
from portal.models import (
    Diagnosis,
    Download,
    Problem,
    SavedView,
    StaffInvitation,
    StaffNote,
    StaffRole,
    SupportMessage,
)
from testing.made_once import made_once

PHONE = "+14155552671"
PASSWORD = "a-quiet-place-at-the-desk"
RECEIPT = PaymentReceived(
    name="Alice",
    amount="$29.00",
    description="Membership",
    home_url="http://127.0.0.1:8000/",
    invoice_number="F0000001-0001",
    paid_on=datetime(2026, 11, 4, 10, tzinfo=UTC),
    method="Visa ending in 4242",
    lines=[NamedAmount(description="Membership", amount="$29.00")],
    taxes_included=[],
    url="http://127.0.0.1:8000/payments/",
).as_json()


@dataclass(frozen=True)
class World:
    """One row of every model, all of them Alice's where they belong to somebody."""

    alice: User
    customer: Customer
    subscription: Subscription
    invoice: Invoice
    payment: Payment
    event: StripeEvent
    message: Message
    rows: list[models.Model]


@made_once
def make_world() -> World:
    """Make Alice, what belongs to her, and what belongs to nobody."""
    alice = factories.make_member()
    customer = factories.make_customer(alice)
    subscription = factories.make_subscription(customer)
    invoice = factories.make_invoice(customer, subscription=subscription)
    payment = factories.make_payment(invoice=invoice)
    refund_rows = _refund_of(payment, alice)
    dispute = factories.make_dispute(payment)
    event = factories.make_event(customer, object_id=invoice.stripe_id)
    message = make_message(alice)
    make_job()
    note: CreditNote = factories.make_credit_note(invoice)
    rows = [
        *(alice, customer, subscription, invoice, note, payment, event, message, _group()),
        *_rows_around(alice, customer),
        factories.make_payment_method(customer),
        dispute,
        factories.make_fraud_warning(payment),
        *refund_rows,
        MembershipDecision.objects.create(
            customer=customer,
            subscription=subscription,
            action=MembershipAction.CANCEL,
            reason=CancellationReason.UNUSED,
            comment="I move away.",
            actor=alice,
            state=DecisionState.CONFIRMED,
        ),
        ProcrastinateJob.objects.get(task_name="billing.tasks.process_event"),
        Diagnosis.objects.create(),
        Download.objects.create(by=alice, what="payments", model="billing.payment", kind="csv"),
        Problem.objects.create(key="drift", text="Our records differ from Stripe."),
        StaffInvitation.objects.create(
            email="new@example.com",
            role=StaffRole.objects.get(key=Role.SUPPORT),
            digest="0" * 64,
            expires_at=timezone.now() + timedelta(days=7),
        ),
        LogEntry.objects.create(
            user=alice,
            content_type=ContentType.objects.get_for_model(StripeEvent),
            object_id=str(event.pk),
            object_repr=str(event),
            action_flag=CHANGE,
            change_message="Replayed.",
        ),
    ]
    return World(alice, customer, subscription, invoice, payment, event, message, rows)


def make_message(user: User | None, **fields: Any) -> Message:
    """Return a delivered receipt."""
    values: dict[str, Any] = {
        "user": user,
        "channel": "email",
        "kind": "payment_received",
        "recipient": user.email if user else "nobody@example.com",
        "context": RECEIPT,
        "dedupe_key": f"payment_received:{Message.objects.count()}:email",
        "state": "delivered",
        "attempts": 1,
    }
    return Message.objects.create(**values | fields)


def make_failed_event(**fields: Any) -> StripeEvent:
    """Return an event that was given up."""
    failed: dict[str, Any] = {"state": EventState.FAILED, "error": "No such customer"}
    return factories.make_event(**failed | {"attempts": 30} | fields)


def make_job() -> None:
    """Put a job into the queue by hand: its models are read-only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args, status,"
            " attempts) VALUES ('default', 'billing.tasks.process_event', 0, 'stripe:cus_1',"
            " '{\"event_id\": 1}', 'todo', 0)"
        )


def superuser() -> User:
    """Return somebody who may do everything that anybody may."""
    return factories.make_member("Sam Super", is_staff=True, is_superuser=True)


def support() -> User:
    """Return somebody of the support."""
    return _staff("Sue Support", Role.SUPPORT)


def manager() -> User:
    """Return somebody who decides on large refunds and the policy, and keeps the books."""
    return _staff("Mona Manager", Role.BILLING, Role.FINANCE)


def billing() -> User:
    """Return somebody who decides on large refunds and on the policy."""
    return _staff("Bill Billing", Role.BILLING)


def finance() -> User:
    """Return somebody who keeps the books and matches the bank's money."""
    return _staff("Fay Finance", Role.FINANCE)


def owner() -> User:
    """Return somebody who decides on the team, and isn't a superuser."""
    return _staff("Olga Owner", Role.OWNER)


def auditor() -> User:
    """Return somebody who looks only."""
    return _staff("Audrey Audit", Role.AUDITOR)


def signed_in_now(user: User) -> Client:
    """Return the browser of somebody who has just confirmed, with their password, who they are."""
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    client = Client()
    client.force_login(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def no_role() -> User:
    """Return somebody who opens the staff site, and has no role there."""
    return _staff("Nora Nobody")


def _staff(name: str, *roles: Role) -> User:
    user: User = factories.make_member(name, is_staff=True)
    # `migrate` has made them, and their permissions.
    groups = list(Group.objects.filter(staffrole__key__in=roles))
    assert len(groups) == len(roles)
    user.groups.add(*groups)
    return user


def _refund_of(payment: Payment, alice: User) -> list[models.Model]:
    wanted = RefundRequest(
        amount=900, reason=RefundReason.NOT_USED, words="I was ill.", key=uuid.uuid4()
    )
    asked = refunds.request(alice, payment.pk, wanted)
    # The world's one message is a receipt.
    Message.objects.all().delete()
    return [asked, asked.entries.get(), refund_terms.current_policy(), ledger.verify()]


def _group() -> Group:
    make_groups()
    return Group.objects.get(staffrole__key=Role.SUPPORT)


def _rows_around(alice: User, customer: Customer) -> list[models.Model]:
    return [
        *_rows_of_person(alice),
        *_rows_of_account(alice),
        *_rows_sold(alice, customer),
        *_rows_of_stripe(),
        *_rows_of_bank(alice),
    ]


def _rows_of_person(alice: User) -> list[models.Model]:
    now = timezone.now()
    member = factories.set_member(
        alice, phone=PHONE, phone_verified_at=now, sms_consent_at=now, sms_consent_source="signup"
    )
    return [
        member,
        SmsConsentRecord.objects.create(
            member=Member.objects.get(pk=member.pk), agreed=True, source="signup", phone=PHONE
        ),
        PhoneCode.objects.create(user=alice, phone=PHONE, country="US", client="192.0.2.1"),
        TermsAcceptance.objects.create(
            user=alice, version="2026-01-01", url="https://www.example.com/terms", where="signup"
        ),
    ]


def _rows_of_account(alice: User) -> list[models.Model]:
    seen = {"user": alice, "ip": "192.0.2.1", "user_agent": "Firefox"}
    return [
        EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True),
        UserSession.objects.create(**seen, session_key="secret-session-key"),
        SignIn.objects.create(**seen, method="password"),
        AccountActivity.objects.create(
            **seen, kind="passkey_added", by="member", detail="My phone"
        ),
        Device.objects.create(user=alice, browser=uuid.uuid4(), seen_at=timezone.now()),
        AccessChange.objects.create(user=alice, what="Granted: the group Support."),
        BrandVersion.objects.create(version=1),
        BookAccountsVersion.objects.create(version=1),
        SuggestionsVersion.objects.create(version=1),
        RetentionVersion.objects.create(version=1),
        QuietHoursVersion.objects.create(version=1),
        LocaleVersion.objects.create(version=1),
        AttachmentsVersion.objects.create(version=1),
        Suppression.objects.create(
            user=alice, address="alice@old.example", reason="bounced", source="mailbox"
        ),
        BounceMailbox.objects.create(mailbox="bounces@imap.example.com/INBOX"),
        SupportMessage.objects.create(user=alice, words="Can I bring a friend on Friday?"),
        SavedView.objects.create(
            owner=alice, model="billing.payment", name="Paid", filters=[["q", "29"]], is_shared=True
        ),
        StaffNote.objects.create(user=alice, words="Prefers to be called before noon."),
    ]


def _rows_sold(alice: User, customer: Customer) -> list[models.Model]:
    now = timezone.now()
    plan: Plan = factories.make_plan()
    asked = {"amount": 4000, "currency": "usd"}
    offer = RetentionOffer.objects.create(
        headline="Would it help if it cost less?",
        coupon_id="STAY",
        percent_off=20,
        duration="repeating",
        months=3,
    )
    return [
        plan,
        Product.objects.create(stripe_id=plan.product_id, name="Membership", read_at=now),
        Checkout.objects.create(
            customer=customer, user=alice, session_id="cs_factory1", price_id=plan.stripe_id
        ),
        Item.objects.create(name="Workshop fee", **asked),
        PaymentRequest.objects.create(user=alice, description="Key deposit", sent_at=now, **asked),
        offer,
        RetentionShowing.objects.create(offer=offer, customer=customer),
    ]


def _rows_of_stripe() -> list[models.Model]:
    now = timezone.now()
    return [
        Reconciliation.objects.create(
            started_at=now - timedelta(minutes=5), finished_at=now, events_seen=3
        ),
        Replay.objects.create(
            key=uuid4(),
            chosen="all events",
            event_ids=[1],
            kinds={"invoice.paid": 1},
            total=1,
            handed=1,
            finished_at=now,
        ),
        UnassignedCustomer.objects.create(
            stripe_id="cus_stranger", email="stranger@example.com", created_at=now, read_at=now
        ),
        IgnoredEvents.objects.create(reason="thin", type="v2.core.account.updated"),
        MissingSetup.objects.create(name=MissingSetup.CUSTOMER_PORTAL),
        *_rows_of_balance(),
    ]


def _rows_of_balance() -> list[models.Model]:
    now = timezone.now()
    about = {"currency": "usd", "created_at": now, "read_at": now}
    payout = Payout.objects.create(
        stripe_id="po_1", status="paid", amount=2786, automatic=True, arrives_at=now, **about
    )
    booked = BalanceTransaction.objects.create(
        stripe_id="txn_1", kind="charge", category="charge", amount=2900, fee=114, net=2786,
        fees=[{"type": "stripe_fee", "amount": 114, "description": "Stripe processing fees"}],
        balance_type="payments", source_id="ch_factory", available_at=now, paid_out_in=payout,
        **about,
    )  # fmt: skip
    return [payout, booked]


def _rows_of_bank(alice: User) -> list[models.Model]:
    account = BankAccount.objects.create(name="Checking")
    file = BankFile.objects.create(account=account, name="activity.csv", digest="0" * 64)
    paid: dict[str, Any] = {"name": "ALICE ARCHER", "transaction": "12345678901"}
    on = timezone.localdate()
    line = BankLine.objects.create(
        account=account, file=file, identity="1" * 64, number=2, posted_on=on, amount=4000,
        kind="zelle_in", balance=14_000, **paid,
    )  # fmt: skip
    mail = BankMail.objects.create(
        digest="2" * 64, sender="no.reply.alerts@chase.com", subject="You received money",
        state="verified", domain="chase.com", direction="in", amount=4000, sent_on=on, **paid,
    )  # fmt: skip
    transfer = BankTransfer.objects.create(
        direction="in", amount=4000, currency="usd", name=paid["name"], on=on, mail=mail, line=line
    )
    expected = ExpectedTransfer.objects.create(
        user=alice, reference="7K3P4", purpose="amount", amount=4000, currency="usd",
        description="Workshop fee", state="confirmed", created_at=timezone.now(),
        confirmed_at=timezone.now(), booked_at=timezone.now(),
    )  # fmt: skip
    return [
        *(account, file, line, mail, transfer, expected),
        Allocation.objects.create(
            transfer=transfer, expected=expected, amount=4000, state="confirmed"
        ),
        KnownPayer.objects.create(user=alice, key="alice archer", name=paid["name"]),
        BankMailbox.objects.create(mailbox="bank@example.com INBOX"),
        ZelleTerms.objects.create(pk=1, name="Harbor Yoga", address="pay@example.com", prefix="HY"),
    ]
