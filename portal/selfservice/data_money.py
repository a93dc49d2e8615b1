"""The tables of someone's data about money: membership, payments, refunds, disputes, Zelle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.core.bank_statuses import AllocationState
from billing.core.statuses import RefundOrigin
from billing.models import (
    Allocation,
    Checkout,
    CreditNote,
    Customer,
    Dispute,
    ExpectedTransfer,
    Invoice,
    Item,
    KnownPayer,
    MembershipDecision,
    Payment,
    PaymentMethod,
    PaymentRequest,
    Refund,
    RefundEntry,
    RetentionShowing,
    Subscription,
)
from billing.refunds import queries
from common.money import plain_amount
from portal.selfservice.data_columns import (
    Kind,
    Table,
    amount,
    entries,
    flag,
    made,
    number,
    text,
    time,
)

CURRENCY = text("currency", _("The currency, by its code."))
STRIPE_ID = text("stripe_id", _("Its number at Stripe, our payment provider."))


def _lines(invoice: Invoice) -> Iterator[dict[str, Any]]:
    for line in invoice.lines:
        yield {**line, "invoice": invoice}


def _moment(seconds: int | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None


def _decided_by(refund: Refund) -> str:
    """Return who decided, without naming colleagues."""
    if refund.decided_by_id:
        return "our team"
    return "our refund policy" if refund.decided_at else ""


def _own(field: str) -> Callable[[Refund], str]:
    """Return what the member said in a field: what staff note on theirs isn't for the member."""
    return lambda row: getattr(row, field) if row.origin == RefundOrigin.MEMBER else ""


CUSTOMERS = Table(
    "customers",
    _("What our payment provider knows you by."),
    lambda user: Customer.objects.filter(user=user).order_by("pk"),
    (
        STRIPE_ID,
        text("email", _("Your address there.")),
        text("name", _("Your name there.")),
        text("business_name", _("Your business, if you named one.")),
        text("individual_name", _("The name that invoices have, if you gave one for them.")),
        entries("address", _("The address that invoices have.")),
        entries("tax_ids", _("Its tax IDs.")),
        text("told_email", _("The address that we last told them.")),
        text("told_name", _("The name that we last told them.")),
        text("told_language", _("The language that we last told them.")),
        time("created_at", _("Since when.")),
    ),
    Customer,
    frozenset(
        [
            *("deleted_at_stripe", "closed_at", "history_read_at"),
            *("default_method_id", "methods_read_at", "told_user"),
        ]
    ),
)
CARDS = Table(
    "cards",
    _("The cards and other payment methods that you saved."),
    lambda user: PaymentMethod.objects.for_user(user).order_by("created_at", "pk"),
    (
        STRIPE_ID,
        text("kind", _("What it is.")),
        text("card_brand", _("The kind of card.")),
        text("card_last4", _("Its last four digits.")),
        text("card_expires", _("When it expires.")),
        text("wallet", _("The wallet that it’s in.")),
        text("fingerprint", _("Stripe’s mark of the card, the same wherever you save it.")),
        time("created_at", _("When you saved it.")),
    ),
    PaymentMethod,
)
SUBSCRIPTIONS = Table(
    "subscriptions",
    _("Your memberships and other subscriptions."),
    lambda user: Subscription.objects.for_user(user).order_by("started_at", "pk"),
    (
        STRIPE_ID,
        text("status", _("Its state.")),
        flag("is_membership", _("Whether it’s the membership.")),
        text("name", _("What it’s for.")),
        entries("items", _("Its parts; amounts are in the smallest unit of the currency.")),
        amount("amount", _("What a period costs.")),
        amount("plan_amount", _("The membership’s part of that.")),
        CURRENCY,
        text("interval", _("The unit of a period.")),
        number("interval_count", _("How many of those a period has.")),
        time("started_at", _("When it began.")),
        time("current_period_start", _("When the current period began.")),
        time("current_period_end", _("When it ends.")),
        time("trial_end", _("When the free trial, or free time, ended or ends.")),
        flag("has_free_time", _("Whether we gave you free time.")),
        time("cancel_at", _("When it’s going to end.")),
        flag("cancel_at_period_end", _("Whether it ends with the current period.")),
        time("canceled_at", _("When it was canceled.")),
        time("ended_at", _("When it ended.")),
        text("end_reason", _("Stripe’s word for why.")),
        text("card_brand", _("The kind of card that pays for it.")),
        text("card_last4", _("The last four digits of that card.")),
        text("card_expires", _("When that card expires.")),
        time("card_added_at", _("When you added it.")),
        text("collection_method", _("Whether we charge you or send invoices.")),
        number("days_until_due", _("How many days you have to pay an invoice.")),
        text("pause_behavior", _("What happens to invoices while payments are paused.")),
        time("resumes_at", _("When payments resume.")),
        time("planned_at", _("When another price begins, if one is planned.")),
        time("changes_at", _("When something else that’s planned begins, if it’s before that.")),
        entries("discounts", _("Its discounts.")),
        amount("next_charge", _("The next charge.")),
        amount("next_credit", _("The credit that the next charge uses.")),
        text("taxation", _("Whether tax is included in the price or added.")),
        amount("balance", _("Your balance; less than 0 is credit.")),
        flag("is_by_zelle", _("Whether it’s paid by Zelle.")),
    ),
    Subscription,
    frozenset(
        [
            *("price_id", "is_second_trial", "method_id", "tax_is_automatic", "tax_problem"),
            *("schedule_id", "planned_price_id"),
        ]
    ),
)
INVOICES = Table(
    "invoices",
    _("Your invoices."),
    lambda user: (
        Invoice.objects.for_user(user).select_related("subscription").order_by("created_at", "pk")
    ),
    (
        STRIPE_ID,
        text("number", _("Its number.")),
        text("subscription.stripe_id", _("The subscription’s number."), "subscription"),
        text("status", _("Its state.")),
        text("billing_reason", _("Stripe’s word for why it was made.")),
        CURRENCY,
        amount("subtotal", _("The sum of its lines.")),
        amount("discount", _("What discounts took off.")),
        amount("discount_lasting", _("The part of it that has no end.")),
        entries("promotion_codes", _("The promo codes you used.")),
        amount("tax", _("The tax.")),
        amount("tax_included", _("The part of the tax that’s in the prices.")),
        entries("taxes", _("The taxes by rate; amounts are in the smallest unit.")),
        amount("total", _("Its total.")),
        amount("starting_balance", _("Your balance before it.")),
        amount("ending_balance", _("Your balance after it.")),
        amount("pre_payment_credit_notes_amount", _("Credited before it was paid.")),
        amount("post_payment_credit_notes_amount", _("Credited after it was paid.")),
        amount("amount_due", _("What was to be paid.")),
        amount("amount_paid", _("What was paid.")),
        amount("amount_remaining", _("What’s still to be paid.")),
        amount("amount_paid_outside", _("What was paid outside of Stripe.")),
        text("customer_name", _("The business that it’s made out to.")),
        entries("customer_tax_ids", _("That business’s tax IDs.")),
        text("collection_method", _("Whether it’s charged or sent.")),
        text("collection", _("How collecting it goes.")),
        number("attempt_count", _("How often payment was tried.")),
        time("next_payment_attempt_at", _("When it’s tried next.")),
        time("created_at", _("When it was made.")),
        time("finalized_at", _("When it was issued.")),
        time("due_at", _("Until when it’s due.")),
        time("paid_at", _("When it was paid.")),
        time("voided_at", _("When it was voided.")),
        time("given_up_at", _("When we stopped asking for it.")),
        text("given_up_reason", _("Why.")),
        text("hosted_url", _("Its page at Stripe.")),
        text("pdf_url", _("Its PDF.")),
    ),
    Invoice,
    frozenset(["finalization_error", "auto_advance", "lines"]),
)
INVOICE_LINES = Table(
    "invoice-lines",
    _("The lines of your invoices."),
    lambda user: Invoice.objects.for_user(user).order_by("created_at", "pk"),
    (
        made("invoice", _("The invoice’s number at Stripe."), lambda row: row["invoice"].stripe_id,
             "stripe_id"),
        made("description", _("What it’s for."), lambda row: row["description"], "lines"),
        made("quantity", _("How many."), lambda row: row["quantity"], "lines", Kind.NUMBER),
        made("amount", _("How much."),
             lambda row: plain_amount(row["amount"], row["invoice"].currency), "lines",
             Kind.AMOUNT),
        made("currency", _("The currency, by its code."), lambda row: row["invoice"].currency,
             "currency"),
        made("period_start", _("From when."), lambda row: _moment(row["period_start"]), "lines",
             Kind.TIME),
        made("period_end", _("Until when."), lambda row: _moment(row["period_end"]), "lines",
             Kind.TIME),
    ),
    Invoice,
    INVOICES.left_out | INVOICES.fields,
    each=_lines,
)  # fmt: skip
PAYMENTS = Table(
    "payments",
    _("Your payments, including those that failed."),
    lambda user: (
        Payment.objects.for_user(user).select_related("invoice").order_by("created_at", "pk")
    ),
    (
        STRIPE_ID,
        text("charge_id", _("The charge’s number at Stripe.")),
        text("invoice.stripe_id", _("The invoice’s number at Stripe."), "invoice"),
        text("description", _("What it’s for.")),
        text("status", _("Its state.")),
        amount("amount", _("What was to be paid.")),
        amount("amount_received", _("What was paid.")),
        amount("amount_refunded", _("What was refunded.")),
        amount("tax", _("The tax in it, if there’s no invoice.")),
        entries("taxes", _("That tax by rate; amounts are in the smallest unit.")),
        CURRENCY,
        text("card_brand", _("The kind of card.")),
        text("card_last4", _("The card’s last four digits.")),
        text("failure_code", _("Stripe’s word for why it failed.")),
        text("failure_message", _("Why it failed.")),
        text("receipt_url", _("Its receipt at Stripe.")),
        text("statement_descriptor", _("What your card’s statement calls it.")),
        time("created_at", _("When it began.")),
        time("paid_at", _("When it was paid.")),
    ),
    Payment,
    frozenset(["method_id", "refunds_read_at"]),
)
REFUNDS = Table(
    "refunds",
    _("Your refunds and requests, with our decision and what you and we wrote."),
    lambda user: queries.visible_to(user).select_related("payment").order_by("created_at", "pk"),
    (
        text("payment.stripe_id", _("The payment’s number at Stripe."), "payment"),
        STRIPE_ID,
        text("state", _("Its state.")),
        text("origin", _("Who began it.")),
        amount("amount_asked", _("What was asked for.")),
        amount("amount", _("What goes back.")),
        CURRENCY,
        made("reason", _("The reason you chose."), _own("reason"), "reason"),
        made("words", _("What you wrote."), _own("words"), "words"),
        flag("cancels_membership", _("Whether you asked to end the membership, too.")),
        made("decided_by", _("Who decided."), _decided_by, "decided_by"),
        text("answer", _("What we answered.")),
        text("failure_reason", _("Stripe’s word for why it failed.")),
        text("pending_reason", _("Stripe’s word for what it waits for.")),
        time("answer_by", _("Until when you could say where the money should go.")),
        text("reference", _("The number by which your bank finds it.")),
        time("created_at", _("When it began.")),
        time("decided_at", _("When it was decided.")),
        time("sent_at", _("When it was sent.")),
        time("succeeded_at", _("When Stripe passed it on.")),
        time("failed_at", _("When it failed.")),
    ),
    Refund,
    frozenset(
        """
        key policy verdict approvals_needed requested_by first_approved_by problem tried_at
        credit_note_id
        """.split()
    ),
)
REFUND_STEPS = Table(
    "refund-steps",
    _("The steps of your refunds."),
    lambda user: (
        RefundEntry.objects.filter(refund__in=queries.visible_to(user).order_by())
        .select_related("refund__payment")
        .order_by("number")
    ),
    (
        text("refund.payment.stripe_id", _("The payment’s number at Stripe."), "payment"),
        time("at", _("When.")),
        text("action", _("What was done.")),
        text("from_state", _("The state before.")),
        text("to_state", _("The state after.")),
        amount("amount", _("The refund’s amount then.")),
        CURRENCY,
        number("policy_version", _("The version of our refund policy.")),
        number("number", _("The step’s number in our records.")),
    ),
    RefundEntry,
    frozenset(
        "actor actor_digest stripe_id words_digest earlier_digest previous_hash hash".split()
    ),
)
CREDIT_NOTES = Table(
    "credit-notes",
    _("Credit notes for your invoices."),
    lambda user: (
        CreditNote.objects.for_user(user).select_related("invoice").order_by("created_at", "pk")
    ),
    (
        STRIPE_ID,
        text("number", _("Its number.")),
        text("invoice.stripe_id", _("The invoice’s number at Stripe."), "invoice"),
        text("status", _("Its state.")),
        text("reason", _("Stripe’s word for the reason.")),
        text("memo", _("What it says.")),
        amount("amount", _("How much.")),
        amount("tax", _("The tax in it.")),
        amount("pre_payment_amount", _("What it took off before payment.")),
        amount("refunded", _("What was refunded.")),
        amount("out_of_band", _("What was given back another way.")),
        amount("credited", _("What became credit.")),
        CURRENCY,
        text("pdf_url", _("Its PDF.")),
        time("created_at", _("When it was made.")),
        time("voided_at", _("When it was voided.")),
    ),
    CreditNote,
)
DISPUTES = Table(
    "disputes",
    _("Payments that your bank took back or asked about."),
    lambda user: (
        Dispute.objects.for_user(user).select_related("payment").order_by("created_at", "pk")
    ),
    (
        STRIPE_ID,
        text("payment.stripe_id", _("The payment’s number at Stripe."), "payment"),
        text("status", _("Its state.")),
        text("reason", _("The reason your bank gave.")),
        text("network_reason_code", _("The card network’s code for it.")),
        amount("amount", _("How much.")),
        CURRENCY,
        flag("has_evidence", _("Whether we prepared an answer.")),
        number("submission_count", _("How often we answered your bank.")),
        time("evidence_due_at", _("Until when we could answer.")),
        time("created_at", _("When it began.")),
    ),
    Dispute,
    frozenset(["charge_id"]),
)
DECISIONS = Table(
    "membership-decisions",
    _("Cancellations and other changes of your membership, with what you told us."),
    lambda user: (
        MembershipDecision.objects.for_user(user)
        .select_related("subscription", "offer")
        .order_by("created_at", "pk")
    ),
    (
        text("subscription.stripe_id", _("The subscription’s number at Stripe."), "subscription"),
        text("action", _("What was decided.")),
        text("reason", _("The reason you chose.")),
        text("comment", _("What you wrote.")),
        amount("amount", _("What you were shown that it costs.")),
        CURRENCY,
        text("offer.headline", _("The offer you accepted."), "offer"),
        time(
            "until",
            _(
                "When a longer trial or free time ends, or paused payments resume; or the later "
                "end that was replaced or came back."
            ),
        ),
        text("pause_behavior", _("What happens to invoices while payments are paused.")),
        text("state", _("What became of it.")),
        time("created_at", _("When.")),
        time("confirmed_at", _("When Stripe confirmed it.")),
    ),
    MembershipDecision,
    frozenset(["price_id", "prorated_at", "coupon_id", "discount_id", "actor"]),
)
OFFERS = Table(
    "offers-shown",
    _("Offers to stay that you were shown."),
    lambda user: (
        RetentionShowing.objects.filter(customer__user=user).select_related("offer").order_by("pk")
    ),
    (
        time("first_at", _("When.")),
        text("offer.headline", _("The offer."), "offer"),
    ),
    RetentionShowing,
)
REQUESTS = Table(
    "payment-requests",
    _("Payments that we asked you for, and things you chose to pay for."),
    lambda user: PaymentRequest.objects.filter(user=user).order_by("pk"),
    (
        text("description", _("What it’s for.")),
        amount("amount", _("How much.")),
        CURRENCY,
        text("state", _("Its state.")),
        time("created_at", _("When it was made.")),
        time("sent_at", _("When we sent it.")),
        time("expires_at", _("Until when it can be paid.")),
        time("paid_at", _("When it was paid.")),
        time("canceled_at", _("When it was canceled.")),
    ),
    PaymentRequest,
    frozenset(["item", "created_by"]),
)
ITEMS = Table(
    "items-offered",
    _("Things that we offer to you, and not to everybody."),
    lambda user: Item.objects.filter(members=user).order_by("pk"),
    (
        text("name", _("What it is.")),
        amount("amount", _("What it costs.")),
        CURRENCY,
        flag("is_active", _("Whether it’s on sale.")),
    ),
    Item,
    frozenset(["for_everybody", "members", "created_at"]),
)
CHECKOUTS = Table(
    "checkouts",
    _("Your visits to the payment page."),
    lambda user: (
        Checkout.objects.filter(user=user).select_related("payment").order_by("created_at", "pk")
    ),
    (
        text("session_id", _("Its number at Stripe.")),
        text("purpose", _("What it was for.")),
        text("description", _("The same in words.")),
        amount("amount", _("How much, unless a plan says so.")),
        CURRENCY,
        number("trial_days", _("How many days were free.")),
        text("payment.stripe_id", _("The payment’s number at Stripe."), "payment"),
        text("state", _("What became of it.")),
        text("url", _("Its address.")),
        time("created_at", _("When it began.")),
        time("expires_at", _("Until when it could be paid.")),
        time("returned_at", _("When you came back.")),
    ),
    Checkout,
    frozenset(["price_id", "request", "is_taxed", "is_guest"]),
)
ZELLE = Table(
    "zelle-payments",
    _("Your payments by Zelle."),
    lambda user: (
        ExpectedTransfer.objects.filter(user=user).select_related("invoice").order_by("pk")
    ),
    (
        text("reference", _("The reference that you were given.")),
        text("purpose", _("What it’s for.")),
        text("description", _("The same in words.")),
        amount("amount", _("How much.")),
        CURRENCY,
        text("payer_name", _("Whose account you said you’d pay from.")),
        text("state", _("Its state.")),
        text("invoice.stripe_id", _("The invoice’s number at Stripe."), "invoice"),
        time("created_at", _("When you chose Zelle.")),
        time("expires_at", _("Until when you could pay.")),
        time("said_sent_at", _("When you said that you’d sent it.")),
        time("reminded_at", _("When we reminded you.")),
        time("announced_at", _("When the bank announced it.")),
        time("confirmed_at", _("When it counted as paid.")),
        time("closed_at", _("When it was over.")),
    ),
    ExpectedTransfer,
    frozenset(["request", "price_id", "subscription", "booking", "booked_at", "problem"]),
)
ZELLE_TRANSFERS = Table(
    "zelle-transfers",
    _("Money that came by Zelle and counts for your payments."),
    lambda user: (
        Allocation.objects.filter(expected__user=user, state=AllocationState.CONFIRMED)
        .select_related("transfer", "expected")
        .order_by("pk")
    ),
    (
        text("expected.reference", _("The payment’s reference."), "reference"),
        amount("amount", _("How much of it counts."), currency="transfer.currency"),
        text("transfer.currency", _("The currency, by its code."), "currency"),
        text("transfer.name", _("Whose account it came from."), "from"),
        text("transfer.memo", _("What was written with it."), "memo"),
        text("transfer.on", _("The day it came."), "on"),
        text("state", _("Its state.")),
        time("confirmed_at", _("When it counted.")),
    ),
    Allocation,
    frozenset(
        """
        reasons created_at first_confirmed_by confirmed_by undone_by undone_at undone_because
        """.split()
    ),
)
PAYERS = Table(
    "known-payers",
    _("Whose accounts you have paid from by Zelle."),
    lambda user: KnownPayer.objects.filter(user=user).order_by("pk"),
    (
        text("name", _("The name.")),
        time("created_at", _("Since when.")),
    ),
    KnownPayer,
    frozenset(["key"]),
)
TABLES = [
    *(CUSTOMERS, CARDS, SUBSCRIPTIONS, INVOICES, INVOICE_LINES, PAYMENTS, REFUNDS, REFUND_STEPS),
    *(CREDIT_NOTES, DISPUTES, DECISIONS, OFFERS, REQUESTS, ITEMS, CHECKOUTS),
    *(ZELLE, ZELLE_TRANSFERS, PAYERS),
]
