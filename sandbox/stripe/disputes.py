"""Disputes: payments that cardholders take back, the evidence against that, and the outcome."""

from __future__ import annotations

from sandbox.stripe import balance, charges, files, fraud_warnings
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.events import changing, emit, private
from sandbox.stripe.params import merge_metadata
from sandbox.stripe.periods import DAY
from sandbox.stripe.shown import copy
from sandbox.world import Json, World

FEE = 1500
ANSWERED_WITHIN = 9 * DAY
DECIDED_AFTER = 5
"""Seconds from the evidence to the bank's decision; Stripe's test mode takes about as long."""

WINNING, LOSING = "winning_evidence", "losing_evidence"
ESCALATING = "escalate_inquiry_evidence"
"""Texts of Stripe's test mode: as `uncategorized_text` they decide the dispute."""

ANSWERABLE = ("needs_response", "warning_needs_response")
UNDER_REVIEW = ("under_review", "warning_under_review")
OPEN = (*ANSWERABLE, *UNDER_REVIEW)
REASONS = {
    "fraudulent": "10.4",
    "product_not_received": "13.1",
    "subscription_canceled": "13.2",
    "duplicate": "12.6.1",
    "unrecognized": "10.4",
    "general": "13.5",
}
"""Why a card's owner disputes a payment, with Visa's code of it."""
EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
LONGEST = dict.fromkeys(
    (
        *("access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal"),
        *("duplicate_charge_explanation", "product_description", "refund_policy_disclosure"),
        *("refund_refusal_explanation", "uncategorized_text"),
    ),
    20_000,
)
"""Characters of the evidence that may be long."""
MOST_CHARACTERS = 150_000
FILES = (
    *("cancellation_policy", "customer_communication", "customer_signature", "receipt"),
    *("duplicate_charge_documentation", "refund_policy", "service_documentation"),
    *("shipping_documentation", "uncategorized_file"),
)
"""The evidence that are files."""
_MOST_PAGES = {"mastercard": 19}
"""Of the whole answer, by the network of the card."""
_MOST_PAGES_ELSEWHERE = 50
_PAGE_OF_TEXT = 3_000
"""Characters on a page of what Stripe makes of the texts."""


def open_planned(world: World, charge: Json) -> Json:
    """Let a test card's owner dispute a charge, as its number says."""
    planned = private(charge).pop("disputed")
    return open_for(world, charge, planned["reason"], inquiry=planned.get("inquiry", False))


def open_for(world: World, charge: Json, reason: str, *, inquiry: bool = False) -> Json:
    """Let the cardholder dispute a charge: the amount and a fee leave the balance.

    In an inquiry the bank asks first, and no money moves.
    """
    dispute = _blank(world, charge, reason, inquiry=inquiry)
    world.objects.put(dispute)
    charge["disputed"] = True
    world.objects.put(charge)
    emit(world, "charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(world, dispute)
    fraud_warnings.judge(world, charge)
    return dispute


def disputable(world: World) -> list[Json]:
    """Card charges that aren't disputed yet, newest first."""
    return [
        charge
        for charge in world.objects.list("charge", status="succeeded")
        if not charge["disputed"]
        and charge["amount_refunded"] < charge["amount"]
        and "card" in charge["payment_method_details"]
    ]


def _withdraw(world: World, dispute: Json) -> None:
    _book(world, dispute, -dispute["amount"], fee=FEE)
    emit(world, "charge.dispute.funds_withdrawn", dispute)


def _book(world: World, dispute: Json, amount: int, *, fee: int = 0) -> None:
    fees = [balance.fee(fee, dispute["currency"], words=balance.DISPUTE_FEE)] if fee else []
    category = "dispute" if amount < 0 else "dispute_reversal"
    source = dispute | {"description": f"Chargeback {_way(amount)} for {dispute['charge']}"}
    entry = balance.book(world, source, amount, "adjustment", fees=fees, category=category)
    dispute["balance_transactions"].append(copy(entry))
    world.objects.put(dispute)


def _way(amount: int) -> str:
    return "withdrawal" if amount < 0 else "reversal"


def _blank(world: World, charge: Json, reason: str, *, inquiry: bool) -> Json:
    card = charge["payment_method_details"]["card"]
    code = REASONS.get(reason, REASONS["general"])
    return {
        "id": world.new_id("du_1"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "appeal": None, "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": world.now() + ANSWERED_WITHIN,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": code,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": card["network"],
                "network_reason_code": code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def update(world: World, dispute: Json, params: Json) -> Json:
    """Send evidence to the bank; if `submit` is false, only stage it."""
    if params.get("evidence") and dispute["status"] not in ANSWERABLE:
        raise invalid("This dispute no longer takes evidence.", code="resource_invalid_state")
    with changing(world, dispute, "charge.dispute.updated"):
        if "metadata" in params:
            dispute["metadata"] = merge_metadata(dispute["metadata"], params["metadata"])
        if params.get("evidence"):
            dispute["evidence"] |= params["evidence"]
            _check_evidence(world, dispute)
            dispute["evidence_details"]["has_evidence"] = True
            if params.get("submit", True):
                _submit(world, dispute)
    return dispute


def _check_evidence(world: World, dispute: Json) -> None:
    """Refuse what's too much, whether it's to be sent or only staged."""
    evidence = {name: dispute["evidence"][name] for name in EVIDENCE if dispute["evidence"][name]}
    texts = [value for name, value in evidence.items() if name not in FILES]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise invalid(
            f"The combined character count of all evidence is limited to {MOST_CHARACTERS:,}.",
            param="evidence",
        )
    found = [
        files.of_evidence(world, evidence[name], f"evidence[{name}]")
        for name in FILES
        if name in evidence
    ]
    count = sum(map(files.pages, found)) + sum(-(-len(one) // _PAGE_OF_TEXT) for one in texts)
    network = dispute["payment_method_details"]["card"]["network"]
    most = _MOST_PAGES.get(network, _MOST_PAGES_ELSEWHERE)
    if count > most:
        raise invalid(
            f"The evidence would have about {count} pages, and {network} takes at most {most}.",
            param="evidence",
            code="dispute_evidence_page_limit_exceeded",
        )


def _submit(world: World, dispute: Json) -> None:
    details = dispute["evidence_details"]
    details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    dispute["status"] = _reviewed(dispute["status"])
    private(dispute)["decided_at"] = world.now() + DECIDED_AFTER


def _reviewed(status: str) -> str:
    return status.replace("needs_response", "under_review")


def decide(world: World, dispute: Json) -> None:
    """Let the bank decide: won with Stripe's winning text, or else lost; inquiries end or go on."""
    text = dispute["evidence"]["uncategorized_text"]
    private(dispute).pop("decided_at", None)
    if is_inquiry(dispute):
        _end_inquiry(world, dispute, escalates=text == ESCALATING)
        return
    if text == WINNING:
        _book(world, dispute, dispute["amount"])
        emit(world, "charge.dispute.funds_reinstated", dispute)
    _close(world, dispute, "won" if text == WINNING else "lost")


def is_inquiry(dispute: Json) -> bool:
    """Whether the bank is only asking."""
    status: str = dispute["status"]
    return status.startswith("warning_")


def _end_inquiry(world: World, dispute: Json, *, escalates: bool) -> None:
    """End an inquiry: the bank is satisfied, or takes the money and wants a new answer."""
    if not escalates:
        _close(world, dispute, "warning_closed")
        return
    with changing(world, dispute, "charge.dispute.updated"):
        dispute["status"] = "needs_response"
        dispute["is_charge_refundable"] = False
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
        dispute["evidence"]["uncategorized_text"] = None
        dispute["evidence_details"] |= {
            "due_by": world.now() + ANSWERED_WITHIN,
            "has_evidence": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        }
    _withdraw(world, dispute)


def miss_deadline(world: World, dispute: Json) -> None:
    """Nobody answered in time: the dispute is lost, or the inquiry is over."""
    if is_inquiry(dispute):
        _end_inquiry(world, dispute, escalates=True)
        return
    dispute["evidence_details"]["past_due"] = True
    _close(world, dispute, "lost")


def accept(world: World, dispute: Json) -> Json:
    """Give in: the dispute is lost."""
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed.", code="resource_invalid_state")
    private(dispute).pop("decided_at", None)
    _close(world, dispute, "lost")
    return dispute


def _close(world: World, dispute: Json, status: str) -> None:
    before = dispute["status"]
    dispute["status"] = status
    world.objects.put(dispute)
    charge = charges.find(world, dispute["charge"])
    charge["disputed"] = status == "lost"
    world.objects.put(charge)
    emit(world, "charge.dispute.closed", dispute, {"status": before})


def find(world: World, dispute_id: str) -> Json:
    dispute = world.objects.get(dispute_id)
    if dispute is None or dispute["object"] != "dispute":
        raise missing("dispute", dispute_id)
    return shown(world, dispute)


def shown(world: World, dispute: Json) -> Json:
    """A dispute with its balance transactions as of now."""
    for entry in dispute["balance_transactions"]:
        kept = world.objects.get(entry["id"])
        entry["status"] = balance.shown(world, kept)["status"] if kept else entry["status"]
    return dispute
