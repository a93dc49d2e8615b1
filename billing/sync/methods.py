"""Reads a customer's payment methods and writes them, all at once.

A list is as of one moment, so a method that it lacks is gone. An older list never undoes a newer.
"""

from __future__ import annotations

from django.db import transaction

from billing.models import Customer, PaymentMethod
from billing.models.locks import locked_customer
from billing.stripe import gateway
from billing.sync import refresh, writing
from billing.sync.columns import method_columns


def sync_methods(customer_id: str) -> None:
    """Read all of a customer's payment methods; one that left, or was deleted, has none."""
    read_at = writing.database_now()
    known = Customer.objects.filter(stripe_id=customer_id).first()
    known = known or refresh.sync_customer(customer_id)
    if known.closed_at or known.deleted_at_stripe:
        PaymentMethod.objects.filter(customer=known).delete()
        return
    listed = list(gateway.list_methods(customer_id))
    with transaction.atomic():
        customer = locked_customer(pk=known.pk)
        if customer.methods_read_at and customer.methods_read_at > read_at:
            return
        for one in listed:
            values = method_columns(one) | {"customer": customer}
            writing.write(PaymentMethod, one.id, read_at, values)
        rows = PaymentMethod.objects.filter(customer=customer)
        rows.exclude(stripe_id__in=[one.id for one in listed]).delete()
        Customer.objects.filter(pk=customer.pk).update(methods_read_at=read_at)


def sync_method(method_id: str) -> None:
    """Read the methods of the customer that has this one, or had it here."""
    rows = PaymentMethod.objects.filter(stripe_id=method_id)
    ours = set(rows.values_list("customer__stripe_id", flat=True))
    try:
        at_stripe = {gateway.read_method(method_id).customer_id}
    except gateway.StripeMissing:
        at_stripe = set()
    for customer_id in sorted(filter(None, ours | at_stripe)):
        sync_methods(customer_id)
