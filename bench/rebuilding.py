"""How long counting all of the business's numbers anew takes, and how much memory."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass

from django.db import connection

DEFAULT_MEMBERS = 20_000
# Each pays monthly for a year, so there are a dozen invoices and payments of each.
BILLS = 12
# Rows are copies of one that the tests' factories make; triggers would note each as news.
COPY = """
SET session_replication_role = replica;
INSERT INTO auth_user (id, username, password, first_name, last_name, email, is_superuser, is_staff,
    is_active, date_joined)
SELECT {first} + n, 'rebuild' || n, '', 'Member', n::text, 'rebuild' || n || '@example.com', false,
    false, true, now() FROM generate_series(1, {members}) n;
INSERT INTO members_member
SELECT made.* FROM members_member one, generate_series(1, {members}) n,
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'id', {first} + n, 'user_id', {first} + n)) made
WHERE one.user_id = {user};
INSERT INTO billing_customer
SELECT made.* FROM billing_customer one, generate_series(1, {members}) n,
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'id', {first} + n, 'stripe_id', 'cus_rebuild' || n, 'user_id', {first} + n)) made
WHERE one.id = {customer};
INSERT INTO billing_subscription
SELECT made.* FROM billing_subscription one,
    (SELECT n, timestamptz '2025-11-01' - (n * 7919 % 730) * interval '1 day' AS begun
     FROM generate_series(1, {members}) n) of_member,
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'id', {first} + n, 'stripe_id', 'sub_rebuild' || n, 'customer_id', {first} + n,
        'started_at', begun, 'ended_at', CASE WHEN n % 3 = 0 THEN begun + interval '200 days' END,
        'status', CASE WHEN n % 3 = 0 THEN 'canceled' ELSE 'active' END)) made
WHERE one.id = {subscription};
INSERT INTO billing_invoice
SELECT made.* FROM billing_invoice one,
    (SELECT n, m, timestamptz '2025-11-01' - (n * 7919 % 730) * interval '1 day'
        + m * interval '1 month' AS begun
     FROM generate_series(1, {members}) n, generate_series(0, {bills} - 1) m
     WHERE n % 3 > 0 OR m < 7) of_member,
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'id', {first} + n * {bills} + m, 'stripe_id', 'in_rebuild' || n || '_' || m,
        'number', 'RB-' || n || '-' || m, 'customer_id', {first} + n,
        'subscription_id', {first} + n,
        'created_at', begun, 'finalized_at', begun, 'paid_at', begun,
        'lines', jsonb_build_array((one.lines -> 0) || jsonb_build_object(
            'period_start', extract(epoch FROM begun)::bigint,
            'period_end', extract(epoch FROM begun + interval '1 month')::bigint)))) made
WHERE one.id = {invoice};
INSERT INTO billing_payment
SELECT made.* FROM billing_payment one, billing_invoice bill,
    LATERAL jsonb_populate_record(one, jsonb_build_object(
        'id', bill.id, 'stripe_id', 'pi_rebuild' || bill.id, 'charge_id', 'ch_rebuild' || bill.id,
        'customer_id', bill.customer_id, 'invoice_id', bill.id, 'created_at', bill.created_at,
        'paid_at', bill.paid_at)) made
WHERE one.id = {payment} AND bill.id > {first};
SET session_replication_role = origin;
ANALYZE;
"""
FIRST = 10_000_000


@dataclass(frozen=True)
class Taken:
    """How long it took in seconds, the processor time of this process, and its peak memory."""

    members: int
    invoices: int
    seconds: float
    in_python: float
    megabytes: float


def measure() -> Taken:
    """Fill the database with members who pay monthly, and count all of it anew."""
    from billing.facts import daily  # noqa: PLC0415  (Django isn't set up before)
    from billing.models import Invoice  # noqa: PLC0415

    fill()
    began, processor = time.monotonic(), time.process_time()
    counted = daily.rebuild()
    return Taken(
        counted,
        Invoice.objects.count(),
        time.monotonic() - began,
        time.process_time() - processor,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def fill() -> None:
    """Make members who pay monthly, as many as `BENCH_MEMBERS` says, unless they're there."""
    from billing.tests import factories  # noqa: PLC0415  (Django isn't set up before)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM billing_customer WHERE id > %s LIMIT 1", [FIRST])
        if cursor.fetchone():
            return
    subscription = factories.make_subscription()
    invoice = factories.make_invoice(subscription=subscription, customer=subscription.customer)
    payment = factories.make_payment(invoice=invoice)
    filling = COPY.format(
        first=FIRST, members=members(), bills=BILLS, user=subscription.customer.user_id,
        customer=subscription.customer_id,
        subscription=subscription.pk, invoice=invoice.pk, payment=payment.pk,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(filling)


def members() -> int:
    """Return how many members the large database has."""
    return int(os.environ.get("BENCH_MEMBERS", DEFAULT_MEMBERS))
