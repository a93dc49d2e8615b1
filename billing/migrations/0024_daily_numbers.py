"""The business's numbers by day, and triggers that note which members and days to count again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What a row of each table changes: a member's months, or the days of some times. An update that
# only reads the row again changes neither.
NOTE = """
CREATE FUNCTION billing_count_member(customer bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO billing_factdue (user_id)
    SELECT user_id FROM billing_customer WHERE id = customer;
$$;

CREATE FUNCTION billing_count_times(times timestamptz[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO billing_factdue (moment)
    SELECT DISTINCT one FROM unnest(times) AS one WHERE one IS NOT NULL;
$$;

CREATE FUNCTION billing_count_payments_of(subscription bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO billing_factdue (moment)
    SELECT DISTINCT p.paid_at FROM billing_payment p JOIN billing_invoice i ON p.invoice_id = i.id
    WHERE i.subscription_id = subscription AND p.paid_at IS NOT NULL;
$$;

CREATE FUNCTION billing_count_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM billing_count_member(OLD.customer_id); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM billing_count_member(NEW.customer_id); END IF;
    IF TG_OP = 'UPDATE' AND OLD.is_membership IS DISTINCT FROM NEW.is_membership THEN
        PERFORM billing_count_payments_of(NEW.id);
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER billing_subscription_made AFTER INSERT OR DELETE ON billing_subscription
    FOR EACH ROW EXECUTE FUNCTION billing_count_subscription();
CREATE TRIGGER billing_subscription_changed AFTER UPDATE ON billing_subscription
    FOR EACH ROW WHEN (
        (OLD.customer_id, OLD.currency, OLD.status, OLD.is_membership, OLD.pause_behavior,
         OLD.started_at, OLD.ended_at, OLD.trial_end, OLD.interval, OLD.interval_count, OLD.amount,
         OLD.items, OLD.discounts)
        IS DISTINCT FROM
        (NEW.customer_id, NEW.currency, NEW.status, NEW.is_membership, NEW.pause_behavior,
         NEW.started_at, NEW.ended_at, NEW.trial_end, NEW.interval, NEW.interval_count, NEW.amount,
         NEW.items, NEW.discounts)
    ) EXECUTE FUNCTION billing_count_subscription();

CREATE FUNCTION billing_count_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_factdue (user_id) VALUES (OLD.user_id);
    IF TG_OP = 'UPDATE' THEN INSERT INTO billing_factdue (user_id) VALUES (NEW.user_id); END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER billing_customer_gone AFTER DELETE ON billing_customer
    FOR EACH ROW EXECUTE FUNCTION billing_count_customer();
CREATE TRIGGER billing_customer_moved AFTER UPDATE ON billing_customer
    FOR EACH ROW WHEN (OLD.user_id <> NEW.user_id) EXECUTE FUNCTION billing_count_customer();

CREATE FUNCTION billing_count_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM billing_count_times(ARRAY[OLD.finalized_at]);
        IF OLD.subscription_id IS NOT NULL THEN PERFORM billing_count_member(OLD.customer_id); END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM billing_count_times(ARRAY[NEW.finalized_at]);
        IF NEW.subscription_id IS NOT NULL THEN PERFORM billing_count_member(NEW.customer_id); END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.subscription_id IS DISTINCT FROM NEW.subscription_id THEN
        INSERT INTO billing_factdue (moment)
        SELECT paid_at FROM billing_payment WHERE invoice_id = NEW.id AND paid_at IS NOT NULL;
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER billing_invoice_made AFTER INSERT OR DELETE ON billing_invoice
    FOR EACH ROW EXECUTE FUNCTION billing_count_invoice();
CREATE TRIGGER billing_invoice_changed AFTER UPDATE ON billing_invoice
    FOR EACH ROW WHEN (
        (OLD.customer_id, OLD.subscription_id, OLD.currency, OLD.status, OLD.given_up_reason,
         OLD.billing_reason, OLD.collection_method, OLD.attempt_count, OLD.amount_due,
         OLD.discount, OLD.tax_included, OLD.lines, OLD.created_at, OLD.finalized_at)
        IS DISTINCT FROM
        (NEW.customer_id, NEW.subscription_id, NEW.currency, NEW.status, NEW.given_up_reason,
         NEW.billing_reason, NEW.collection_method, NEW.attempt_count, NEW.amount_due,
         NEW.discount, NEW.tax_included, NEW.lines, NEW.created_at, NEW.finalized_at)
    ) EXECUTE FUNCTION billing_count_invoice();

CREATE FUNCTION billing_count_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM billing_count_times(ARRAY[OLD.paid_at]); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM billing_count_times(ARRAY[NEW.paid_at]); END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER billing_payment_made AFTER INSERT OR DELETE ON billing_payment
    FOR EACH ROW EXECUTE FUNCTION billing_count_payment();
CREATE TRIGGER billing_payment_changed AFTER UPDATE ON billing_payment
    FOR EACH ROW WHEN (
        (OLD.invoice_id, OLD.currency, OLD.status, OLD.amount_received, OLD.card_brand,
         OLD.paid_at)
        IS DISTINCT FROM
        (NEW.invoice_id, NEW.currency, NEW.status, NEW.amount_received, NEW.card_brand,
         NEW.paid_at)
    ) EXECUTE FUNCTION billing_count_payment();

CREATE FUNCTION billing_count_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM billing_count_times(ARRAY[OLD.sent_at]); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM billing_count_times(ARRAY[NEW.sent_at]); END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER billing_refund_counted AFTER INSERT OR UPDATE OR DELETE ON billing_refund
    FOR EACH ROW EXECUTE FUNCTION billing_count_refund();

CREATE FUNCTION billing_count_dispute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM billing_count_times(ARRAY[OLD.created_at]); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM billing_count_times(ARRAY[NEW.created_at]); END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER billing_dispute_made AFTER INSERT OR DELETE ON billing_dispute
    FOR EACH ROW EXECUTE FUNCTION billing_count_dispute();
CREATE TRIGGER billing_dispute_changed AFTER UPDATE ON billing_dispute
    FOR EACH ROW WHEN (
        (OLD.status, OLD.amount, OLD.currency, OLD.created_at)
        IS DISTINCT FROM (NEW.status, NEW.amount, NEW.currency, NEW.created_at)
    ) EXECUTE FUNCTION billing_count_dispute();
"""
FORGET = """
DROP TRIGGER billing_dispute_changed ON billing_dispute;
DROP TRIGGER billing_dispute_made ON billing_dispute;
DROP FUNCTION billing_count_dispute();
DROP TRIGGER billing_refund_counted ON billing_refund;
DROP FUNCTION billing_count_refund();
DROP TRIGGER billing_payment_changed ON billing_payment;
DROP TRIGGER billing_payment_made ON billing_payment;
DROP FUNCTION billing_count_payment();
DROP TRIGGER billing_invoice_changed ON billing_invoice;
DROP TRIGGER billing_invoice_made ON billing_invoice;
DROP FUNCTION billing_count_invoice();
DROP TRIGGER billing_customer_moved ON billing_customer;
DROP TRIGGER billing_customer_gone ON billing_customer;
DROP FUNCTION billing_count_customer();
DROP TRIGGER billing_subscription_changed ON billing_subscription;
DROP TRIGGER billing_subscription_made ON billing_subscription;
DROP FUNCTION billing_count_subscription();
DROP FUNCTION billing_count_payments_of(bigint);
DROP FUNCTION billing_count_times(timestamptz[]);
DROP FUNCTION billing_count_member(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0023_taxes_of_single_payments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FactDue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", models.BigIntegerField(blank=True, null=True)),
                ("moment", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="FactState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("time_zone", models.CharField(max_length=64)),
                ("current_at", models.DateTimeField()),
                ("rebuilt_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="CohortFact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("joined", models.DateField(help_text="The first of the month.")),
                ("month", models.DateField(help_text="The first of the month.")),
                ("change", models.IntegerField()),
            ],
            options={
                "ordering": ["joined", "month"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "joined", "month"), name="billing_cohort_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DayFact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("currency", models.CharField(max_length=3)),
                ("kind", models.CharField(max_length=100)),
                ("count", models.BigIntegerField()),
                ("amount", models.BigIntegerField(help_text="Minor units.")),
            ],
            options={
                "ordering": ["day", "kind"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["day"], name="billing_fact_day")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("currency", "day", "kind"), name="billing_fact_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MemberSpan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("day", models.DateField()),
                (
                    "until",
                    models.DateField(
                        blank=True, help_text="The day of the next change.", null=True
                    ),
                ),
                ("mrr_before", models.BigIntegerField()),
                ("mrr", models.BigIntegerField()),
                ("was_member", models.BooleanField()),
                ("is_member", models.BooleanField()),
                ("movement", models.CharField(blank=True, max_length=100)),
                ("membership", models.CharField(blank=True, max_length=100)),
                ("joined", models.DateField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["day", "id"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["currency", "day"], name="billing_span_day"),
                    models.Index(
                        condition=models.Q(("membership", ""), _negated=True),
                        fields=["currency", "joined"],
                        name="billing_span_cohort",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "currency", "day"), name="billing_span_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TrialSpan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("started", models.DateField()),
                ("ended", models.DateField(blank=True, null=True)),
                ("converted", models.BooleanField()),
                (
                    "subscription",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="billing.subscription",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["started", "id"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["started"], name="billing_trial_started"),
                    models.Index(fields=["ended"], name="billing_trial_ended"),
                ],
            },
        ),
        migrations.RunSQL(NOTE, FORGET),
    ]
