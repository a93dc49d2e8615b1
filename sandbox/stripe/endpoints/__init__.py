"""The endpoints of the API: for each, the parameters it accepts as data, and a thin handler."""

from sandbox.stripe.endpoint import Endpoint
from sandbox.stripe.endpoints import (
    billing,
    catalog,
    checkout,
    customers,
    disputes,
    invoicing,
    notifications,
    payments,
    promotions,
    taxes,
)

ENDPOINTS: list[Endpoint] = [
    *catalog.ENDPOINTS,
    *customers.ENDPOINTS,
    *checkout.ENDPOINTS,
    *invoicing.ENDPOINTS,
    *billing.ENDPOINTS,
    *payments.ENDPOINTS,
    *promotions.ENDPOINTS,
    *taxes.ENDPOINTS,
    *disputes.ENDPOINTS,
    *notifications.ENDPOINTS,
]
