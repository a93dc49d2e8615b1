"""Subscriptions keep their items, and say whether they are the membership; products have names."""

from django.db import migrations, models

# Until they are read again, rows are what they were taken for so far.
AS_BEFORE = """
    UPDATE billing_subscription SET
        plan_amount = amount,
        name = COALESCE(
            (SELECT name FROM billing_plan WHERE billing_plan.stripe_id = price_id), 'Membership'
        );
    INSERT INTO billing_product (stripe_id, name, read_at)
        SELECT DISTINCT ON (product_id) product_id, name, read_at FROM billing_plan
        ORDER BY product_id, read_at DESC;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0029_pauses_not_read_yet'),
    ]

    operations = [
        migrations.CreateModel(
            name='Product',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stripe_id', models.CharField(max_length=255, unique=True, verbose_name='Stripe id')),
                ('read_at', models.DateTimeField(verbose_name='last read from Stripe')),
                ('name', models.TextField(blank=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='subscription',
            name='is_membership',
            field=models.BooleanField(db_default=True, default=True, verbose_name='membership'),
        ),
        migrations.AddField(
            model_name='subscription',
            name='items',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='subscription',
            name='name',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='for'),
        ),
        migrations.AddField(
            model_name='subscription',
            name='plan_amount',
            field=models.BigIntegerField(db_default=0, default=0, help_text="Minor units a period: the membership's part of it."),
        ),
        migrations.RunSQL(AS_BEFORE, migrations.RunSQL.noop),
    ]
