"""Customers, their payment methods, and the billing portal."""

from sandbox.stripe import (
    customer_balances,
    customer_taxes,
    customers,
    payment_methods,
    portal,
    subscriptions,
)
from sandbox.stripe.endpoint import DATED, LISTING, Call, Endpoint, equal, listing
from sandbox.stripe.params import (
    ADDRESS,
    BOOLEAN,
    CURRENCY,
    EMAIL,
    INTEGER,
    METADATA,
    TEXT,
    TEXTS,
    URL,
    Emptyable,
    Hash,
    ListOf,
    Required,
    Spec,
    integer,
    merge_metadata,
    one_of,
    text,
)
from sandbox.world import Json

_CUSTOMER: Spec = {
    "address": Emptyable(ADDRESS),
    "balance": INTEGER,
    "business_name": text(150),
    "description": text(350),
    "email": EMAIL,
    "individual_name": text(150),
    "invoice_settings": Hash({"default_payment_method": TEXT}),
    "metadata": METADATA,
    "name": text(256),
    "phone": text(20),
    "preferred_locales": TEXTS,
    "shipping": Emptyable(
        Hash({"address": Required(ADDRESS), "name": Required(TEXT), "phone": text(20)})
    ),
    "tax": Hash(
        {
            "ip_address": Emptyable(TEXT),
            "validate_location": one_of("auto", "deferred", "immediately"),
        }
    ),
    "tax_exempt": Emptyable(one_of("exempt", "none", "reverse")),
}
_BILLING_DETAILS = Hash({"address": Emptyable(ADDRESS), "email": TEXT, "name": TEXT, "phone": TEXT})


def _update_customer(call: Call) -> Json:
    return customer_taxes.update(call.world, customers.find(call.world, call.id), call.params)


def _delete_customer(call: Call) -> Json:
    customer = customers.find(call.world, call.id)
    subscriptions.end_all(call.world, customer)
    customer_taxes.delete(call.world, customer)
    return customers.delete(call.world, customer)


def _list_customers(call: Call) -> Json:
    matches = call.world.objects.list("customer", **equal(call.params, "email"))
    living = [customer for customer in matches if not customer.get("deleted")]
    return listing(call, living, "/v1/customers")


def _list_methods(call: Call) -> Json:
    methods = call.world.objects.list("payment_method", **equal(call.params, "customer", "type"))
    attached = [method for method in methods if method["customer"]]
    return listing(call, attached, "/v1/payment_methods")


def _list_methods_of_customer(call: Call) -> Json:
    customers.find(call.world, call.id)
    methods = call.world.objects.list(
        "payment_method", customer=call.id, **equal(call.params, "type")
    )
    return listing(call, methods, f"/v1/customers/{call.id}/payment_methods")


def _list_subscriptions_of_customer(call: Call) -> Json:
    customers.find(call.world, call.id)
    living = subscriptions.living(call.world, call.id)
    return listing(call, living, f"/v1/customers/{call.id}/subscriptions")


def _update_method(call: Call) -> Json:
    method = payment_methods.find(call.world, call.id)
    if "metadata" in call.params:
        method["metadata"] = merge_metadata(method["metadata"], call.params["metadata"])
    method["billing_details"] |= call.params.get("billing_details") or {}
    method["card"] |= call.params.get("card") or {}
    return payment_methods.updated(call.world, method)


def _attach(call: Call) -> Json:
    customer = customers.find(call.world, call.params["customer"], param="customer")
    method = payment_methods.find(call.world, call.id)
    return payment_methods.attach(call.world, method, customer["id"])


def _update_configuration(call: Call) -> Json:
    configuration = portal.find_configuration(call.world, call.id)
    return portal.update_configuration(call.world, configuration, call.params)


def _list_configurations(call: Call) -> Json:
    filters = equal(call.params, "active", "is_default")
    configurations = portal.configurations(call.world, **filters)
    return listing(call, configurations, "/v1/billing_portal/configurations")


_CONFIGURATION: Spec = {
    "business_profile": Hash(
        {"headline": text(60), "privacy_policy_url": TEXT, "terms_of_service_url": TEXT}
    ),
    "default_return_url": TEXT,
    "features": Hash(
        {
            "customer_update": Hash(
                {
                    "allowed_updates": Emptyable(
                        ListOf(one_of("address", "email", "name", "phone", "shipping", "tax_id"))
                    ),
                    "enabled": BOOLEAN,
                }
            ),
            "invoice_history": Hash({"enabled": Required(BOOLEAN)}),
            "payment_method_update": Hash({"enabled": Required(BOOLEAN)}),
            "subscription_cancel": Hash(
                {"enabled": BOOLEAN, "mode": one_of("at_period_end", "immediately")}
            ),
        }
    ),
    "metadata": METADATA,
    "name": TEXT,
}
_FLOW = Hash(
    {
        "after_completion": Hash(
            {
                "hosted_confirmation": Hash({"custom_message": TEXT}),
                "redirect": Hash({"return_url": Required(TEXT)}),
                "type": Required(one_of("hosted_confirmation", "portal_homepage", "redirect")),
            }
        ),
        "subscription_cancel": Hash({"subscription": Required(TEXT)}),
        "type": Required(one_of("payment_method_update", "subscription_cancel")),
    }
)


def _change_balance(call: Call) -> Json:
    customer = customers.find(call.world, call.id)
    return customer_balances.create(call.world, customer, call.params)


def _list_balance(call: Call) -> Json:
    customer = customers.find(call.world, call.id)
    matches = call.world.objects.list(customer_balances.KIND, customer=customer["id"])
    return listing(call, matches, f"/v1/customers/{customer['id']}/balance_transactions")


ENDPOINTS = [
    Endpoint(
        "POST",
        "/v1/customers",
        "customer_create",
        lambda call: customer_taxes.create(call.world, call.params),
        {
            **_CUSTOMER,
            "payment_method": TEXT,
            "tax": Hash(
                {
                    "ip_address": Emptyable(TEXT),
                    "validate_location": one_of("deferred", "immediately"),
                }
            ),
            "tax_id_data": ListOf(Hash({"type": Required(TEXT), "value": Required(TEXT)})),
        },
    ),
    Endpoint("GET", "/v1/customers", "customer_list", _list_customers, {**DATED, "email": TEXT}),
    Endpoint(
        "GET",
        "/v1/customers/{id}",
        "customer_retrieve",
        lambda call: customers.find_any(call.world, call.id),
        {},
    ),
    Endpoint("POST", "/v1/customers/{id}", "customer_update", _update_customer, _CUSTOMER),
    Endpoint("DELETE", "/v1/customers/{id}", "customer_delete", _delete_customer, {}),
    Endpoint(
        "GET",
        "/v1/customers/{id}/payment_methods",
        "customer_payment_method_list",
        _list_methods_of_customer,
        {**LISTING, "type": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/customers/{id}/subscriptions",
        "subscription_list",
        _list_subscriptions_of_customer,
        LISTING,
    ),
    Endpoint(
        "POST",
        "/v1/customers/{id}/balance_transactions",
        "customer_balance_transaction_create",
        _change_balance,
        {
            "amount": Required(INTEGER),
            "currency": Required(CURRENCY),
            "description": text(350),
            "metadata": METADATA,
        },
    ),
    Endpoint(
        "GET",
        "/v1/customers/{id}/balance_transactions",
        "customer_balance_transaction_list",
        _list_balance,
        LISTING,
    ),
    Endpoint(
        "GET",
        "/v1/payment_methods",
        "payment_method_list",
        _list_methods,
        {**LISTING, "customer": TEXT, "type": TEXT},
    ),
    Endpoint(
        "GET",
        "/v1/payment_methods/{id}",
        "payment_method_retrieve",
        lambda call: payment_methods.find(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/payment_methods/{id}",
        "payment_method_update",
        _update_method,
        {
            "billing_details": _BILLING_DETAILS,
            "card": Hash({"exp_month": integer(1, 12), "exp_year": INTEGER}),
            "metadata": METADATA,
        },
    ),
    Endpoint(
        "POST",
        "/v1/payment_methods/{id}/attach",
        "payment_method_attach",
        _attach,
        {"customer": Required(TEXT)},
    ),
    Endpoint(
        "POST",
        "/v1/payment_methods/{id}/detach",
        "payment_method_detach",
        lambda call: payment_methods.detach(call.world, payment_methods.find(call.world, call.id)),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/billing_portal/sessions",
        "billing_portal.session_create",
        lambda call: portal.create_session(call.world, call.params),
        {
            "configuration": TEXT,
            "customer": Required(TEXT),
            "flow_data": _FLOW,
            "locale": TEXT,
            "return_url": URL,
        },
    ),
    Endpoint(
        "POST",
        "/v1/billing_portal/configurations",
        "billing_portal.configuration_create",
        lambda call: portal.create_configuration(call.world, call.params),
        {**_CONFIGURATION, "features": Required(_CONFIGURATION["features"])},
    ),
    Endpoint(
        "GET",
        "/v1/billing_portal/configurations",
        "billing_portal.configuration_list",
        _list_configurations,
        {**LISTING, "active": BOOLEAN, "is_default": BOOLEAN},
    ),
    Endpoint(
        "GET",
        "/v1/billing_portal/configurations/{id}",
        "billing_portal.configuration_retrieve",
        lambda call: portal.find_configuration(call.world, call.id),
        {},
    ),
    Endpoint(
        "POST",
        "/v1/billing_portal/configurations/{id}",
        "billing_portal.configuration_update",
        _update_configuration,
        {**_CONFIGURATION, "active": BOOLEAN},
    ),
]
