"""How invoices are collected, pauses, and what was paid outside of Stripe."""

import billing.states
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0023_ledger_heads_exported'),
    ]

    operations = [
        migrations.AddField(
            model_name='invoice',
            name='amount_paid_outside',
            field=models.BigIntegerField(db_default=0, default=0, help_text='The part of what was paid that did not come through Stripe.'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='auto_advance',
            field=models.BooleanField(db_default=True, default=True, help_text='Off: it has given up.', verbose_name='Stripe goes on by itself'),
        ),
        migrations.AddField(
            model_name='invoice',
            name='collection_method',
            field=models.CharField(choices=[('charge_automatically', 'Charge automatically'), ('send_invoice', 'Send invoice')], db_default=billing.states.CollectionMethod['CHARGE'], default=billing.states.CollectionMethod['CHARGE'], max_length=30),
        ),
        migrations.AddField(
            model_name='invoice',
            name='given_up_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text="Stripe's word for why.", max_length=40),
        ),
        migrations.AddField(
            model_name='subscription',
            name='collection_method',
            field=models.CharField(choices=[('charge_automatically', 'Charge automatically'), ('send_invoice', 'Send invoice')], db_default=billing.states.CollectionMethod['CHARGE'], default=billing.states.CollectionMethod['CHARGE'], max_length=30),
        ),
        migrations.AddField(
            model_name='subscription',
            name='days_until_due',
            field=models.PositiveIntegerField(blank=True, help_text='How long a member has to pay an invoice that is sent.', null=True),
        ),
        migrations.AddField(
            model_name='subscription',
            name='pause_behavior',
            field=models.CharField(blank=True, choices=[('keep_as_draft', 'Keep as draft'), ('mark_uncollectible', 'Mark uncollectible'), ('void', 'Void')], db_default='', default='', help_text='While collection is paused: what becomes of new invoices.', max_length=30),
        ),
        migrations.AddField(
            model_name='subscription',
            name='resumes_at',
            field=models.DateTimeField(blank=True, help_text='Empty: when staff say so.', null=True, verbose_name='collection resumes'),
        ),
    ]
