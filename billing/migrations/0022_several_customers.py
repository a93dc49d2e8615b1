"""A user may have several Stripe customers; unfinished checkouts are unique by user."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The new foreign key is deferred: the rows must be checked before their column can be altered.
USER_OF_CHECKOUTS = """
    UPDATE billing_checkout SET user_id = billing_customer.user_id
    FROM billing_customer WHERE billing_customer.id = billing_checkout.customer_id;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0021_credit_and_promotion_codes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='customer',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='customers', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='checkout',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RunSQL(USER_OF_CHECKOUTS, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='checkout',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.RemoveConstraint(
            model_name='checkout',
            name='billing_one_unfinished_checkout',
        ),
        migrations.AddConstraint(
            model_name='checkout',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['open', 'processing', 'starting']), models.Q(('purpose', 'request'), _negated=True)), fields=('user', 'purpose'), name='billing_one_unfinished_checkout'),
        ),
    ]
