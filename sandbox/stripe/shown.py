"""How an object is shown: without private fields, with lists cut and nulls left out."""

from __future__ import annotations

from typing import Any

from sandbox.world import PRIVATE, Json

EMBEDDED = 10
"""How many entries of a list stand inside of an object; its address has the others."""


def copy(value: Any) -> Any:
    """A deep copy of JSON; several times as fast as copy.deepcopy."""
    if isinstance(value, dict):
        return {name: copy(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [copy(entry) for entry in value]
    return value


NULL_AT_FIRST: dict[str, list[str]] = {
    "charge": (
        "application application_fee application_fee_amount balance_transaction "
        "failure_balance_transaction failure_code failure_message on_behalf_of outcome "
        "presentment_details receipt_number receipt_url review shipping source source_transfer "
        "statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
    ).split(),
    "checkout.session": (
        "after_expiration automatic_tax branding_settings client_secret collected_information "
        "consent consent_collection currency_conversion customer_account "
        "excluded_payment_method_types integration_identifier invoice name_collection "
        "optional_items origin_context payment_intent payment_link "
        "payment_method_configuration_details permissions presentment_details recovered_from "
        "redirect_on_completion return_url saved_payment_method_options setup_intent "
        "shipping_address_collection shipping_cost subscription tax_id_collection "
        "wallet_options"
    ).split(),
    "invoice": (
        "account_tax_ids application automatically_finalizes_at custom_fields customer_account "
        "default_payment_method default_source description due_date effective_at ending_balance "
        "footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error "
        "latest_revision next_payment_attempt number on_behalf_of receipt_number rendering "
        "shipping_cost shipping_details statement_descriptor status_details test_clock"
    ).split(),
    "payment_intent": (
        "allowed_payment_method_types application application_fee_amount "
        "automatic_payment_methods canceled_at cancellation_reason customer_account "
        "excluded_payment_method_types last_payment_error latest_charge next_action "
        "on_behalf_of payment_details payment_method payment_method_configuration_details "
        "payment_record presentment_details processing review shipping source "
        "statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
    ).split(),
    "payout": (
        "application_fee application_fee_amount balance_transaction destination "
        "failure_balance_transaction failure_code failure_message original_payout payout_method "
        "reversed_by"
    ).split(),
    "setup_intent": (
        "application cancellation_reason customer_account excluded_payment_method_types "
        "flow_directions last_setup_error latest_attempt mandate next_action on_behalf_of "
        "payment_method payment_method_configuration_details payment_method_options "
        "single_use_mandate"
    ).split(),
    "subscription": (
        "application application_fee_percent billing_cycle_anchor_config billing_thresholds "
        "cancel_at canceled_at customer_account days_until_due default_payment_method "
        "default_source description ended_at latest_invoice next_pending_invoice_item_invoice "
        "on_behalf_of pause_collection pending_invoice_item_interval pending_setup_intent "
        "pending_update presentment_details schedule status_details test_clock transfer_data "
        "trial_end trial_start"
    ).split(),
    "subscription_schedule": (
        "application canceled_at completed_at customer_account released_at "
        "released_subscription test_clock"
    ).split(),
}
"""The fields of a new object that are null until something happens to it."""

UNSAID: dict[str, frozenset[str]] = {
    "charge": frozenset({"presentment_details"}),
    "checkout.session": frozenset(
        "branding_settings excluded_payment_method_types name_collection presentment_details "
        "redirect_on_completion return_url".split()
    ),
    "credit_note_line_item": frozenset({"invoice_line_item"}),
    "customer": frozenset({"business_name", "individual_name"}),
    "event": frozenset({"account", "context"}),
    "invoiceitem": frozenset({"proration_details"}),
    "payment_intent": frozenset({"payment_details", "presentment_details"}),
    "refund": frozenset(
        "description failure_balance_transaction failure_reason instructions_email next_action "
        "pending_reason presentment_details".split()
    ),
    "subscription": frozenset({"presentment_details"}),
    "subscription_item": frozenset({"billed_until"}),
}
"""What Stripe leaves out where it has nothing to say, instead of saying null."""


def whole(obj: Json) -> Json:
    """A new object with all of its fields in Stripe's order: ID, kind, then by alphabet."""
    fields = dict.fromkeys(NULL_AT_FIRST[obj["object"]]) | obj
    return {"id": obj["id"], "object": obj["object"]} | dict(sorted(fields.items()))


def public(obj: Json) -> Json:
    """A copy of an object and its parts as Stripe shows them."""
    kind = obj.get("object")
    unsaid = UNSAID.get(kind, frozenset()) if isinstance(kind, str) else frozenset()
    return {
        name: _shown(value)
        for name, value in obj.items()
        if name != PRIVATE and not (value is None and name in unsaid)
    }


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        data = value.get("data") or []
        if value.get("object") == "list" and len(data) > EMBEDDED:
            value = {**value, "data": data[:EMBEDDED], "has_more": True}
        return public(value)
    if isinstance(value, list):
        return [_shown(entry) for entry in value]
    return value
