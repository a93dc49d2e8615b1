"""The billing portal: its configuration, and the sessions that let a customer in."""

from __future__ import annotations

from sandbox.stripe import customers
from sandbox.stripe.errors import invalid, missing
from sandbox.stripe.params import merge_metadata, new_metadata
from sandbox.world import Json, World


def create_configuration(world: World, params: Json, *, is_default: bool = False) -> Json:
    now = world.now()
    features = params.get("features") or {}
    business = params.get("business_profile") or {}
    return world.objects.put(
        {
            "id": world.new_id("bpc_1"),
            "object": "billing_portal.configuration",
            "active": True,
            "application": None,
            "business_profile": {
                "headline": business.get("headline"),
                "privacy_policy_url": business.get("privacy_policy_url"),
                "terms_of_service_url": business.get("terms_of_service_url"),
            },
            "created": now,
            "default_return_url": params.get("default_return_url"),
            "features": _features(features),
            "is_default": is_default,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": new_metadata(params),
            "name": params.get("name"),
            "updated": now,
        }
    )


def _features(wanted: Json) -> Json:
    def enabled(name: str) -> bool:
        return bool((wanted.get(name) or {}).get("enabled", False))

    canceling = wanted.get("subscription_cancel") or {}
    return {
        "customer_update": {
            "allowed_updates": (wanted.get("customer_update") or {}).get("allowed_updates") or [],
            "enabled": enabled("customer_update"),
        },
        "invoice_history": {"enabled": enabled("invoice_history")},
        "payment_method_update": {
            "enabled": enabled("payment_method_update"),
            "payment_method_configuration": None,
        },
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "feedback_options": None, "options": []},
            "enabled": enabled("subscription_cancel"),
            "mode": canceling.get("mode") or "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {
            "duration": {"interval_options": [], "type": "indefinite"},
            "enabled": False,
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def update_configuration(world: World, configuration: Json, params: Json) -> Json:
    for name in ("active", "default_return_url", "name"):
        if name in params:
            configuration[name] = params[name]
    configuration["business_profile"] |= params.get("business_profile") or {}
    for name, wanted in (params.get("features") or {}).items():
        configuration["features"][name] |= wanted
    if "metadata" in params:
        configuration["metadata"] = merge_metadata(configuration["metadata"], params["metadata"])
    configuration["updated"] = world.now()
    return world.objects.put(configuration)


def find_configuration(world: World, configuration_id: str, *, param: str | None = None) -> Json:
    configuration = world.objects.get(configuration_id)
    if configuration is None or configuration["object"] != "billing_portal.configuration":
        raise missing(
            "configuration", configuration_id, param=param or "id", status=400 if param else 404
        )
    return configuration


def configurations(world: World, **filters: bool) -> list[Json]:
    """The configurations; the default exists once the dashboard's settings were saved."""
    kept = world.objects.list("billing_portal.configuration", **filters)
    return [one for one in kept if not (one["is_default"] and world.switches.portal_not_set_up)]


def save_settings(world: World) -> None:
    """Save the customer portal's settings in the dashboard, which makes the default."""
    everything = {
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True},
    }
    create_configuration(world, {"features": everything}, is_default=True)


def _default(world: World) -> Json:
    defaults = configurations(world, is_default=True)
    if not defaults:
        raise invalid(
            "No configuration provided and your test mode default configuration has not been "
            "created. Provide a configuration or create your default by saving your customer "
            "portal settings in test mode at "
            "https://dashboard.stripe.com/test/settings/billing/portal."
        )
    return defaults[0]


def create_session(world: World, params: Json) -> Json:
    customer = customers.find(world, params["customer"], param="customer")
    wanted = params.get("configuration")
    configuration = (
        find_configuration(world, wanted, param="configuration") if wanted else _default(world)
    )
    session_id = world.new_id("bps_1")
    return world.objects.put(
        {
            "id": session_id,
            "object": "billing_portal.session",
            "after_expiration": None,
            "configuration": configuration["id"],
            "created": world.now(),
            "customer": customer["id"],
            "customer_account": None,
            "flow": _flow(params.get("flow_data")),
            "livemode": False,
            "locale": params.get("locale"),
            "on_behalf_of": None,
            "return_url": params.get("return_url") or configuration["default_return_url"],
            "url": f"{world.base_url}/portal/{session_id}",
        }
    )


def _flow(wanted: Json | None) -> Json | None:
    """A session's single purpose, such as `payment_method_update`; None: everything."""
    if not wanted:
        return None
    after = wanted.get("after_completion") or {"type": "portal_homepage"}
    cancel = wanted.get("subscription_cancel")
    return {
        "after_completion": {
            "hosted_confirmation": after.get("hosted_confirmation"),
            "redirect": after.get("redirect"),
            "type": after["type"],
        },
        "customer_update": None,
        "subscription_cancel": cancel
        and {"retention": None, "subscription": cancel["subscription"]},
        "subscription_pause": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": wanted["type"],
    }
