"""The API's endpoints: each has its accepted parameters as data, and a thin handler."""

from sandbox.stripe.endpoint import Endpoint
from sandbox.stripe.endpoints import (
    balance,
    billing,
    catalog,
    checkout,
    customers,
    disputes,
    files,
    invoicing,
    items,
    notifications,
    older,
    payments,
    promotions,
    radar,
    searching,
    setups,
    taxes,
    testing,
)

ENDPOINTS: list[Endpoint] = [
    # These go before those with an ID in the same place.
    *searching.ENDPOINTS,
    *older.ENDPOINTS,
    *catalog.ENDPOINTS,
    *customers.ENDPOINTS,
    *checkout.ENDPOINTS,
    *invoicing.ENDPOINTS,
    *billing.ENDPOINTS,
    *payments.ENDPOINTS,
    *promotions.ENDPOINTS,
    *taxes.ENDPOINTS,
    *disputes.ENDPOINTS,
    *radar.ENDPOINTS,
    *files.ENDPOINTS,
    *notifications.ENDPOINTS,
    *setups.ENDPOINTS,
    *balance.ENDPOINTS,
    *items.ENDPOINTS,
    *testing.ENDPOINTS,
]
