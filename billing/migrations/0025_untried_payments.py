"""A payment intent that nobody has used yet is no payment: rows of such said "failed"."""

from django.db import migrations


def forget_untried(apps, schema_editor):
    untried = ["requires_payment_method", "requires_confirmation", "canceled"]
    apps.get_model("billing", "Payment").objects.filter(
        invoice__isnull=False,
        status__in=untried,
        charge_id="",
        failure_code="",
        refunds=None,
        disputes=None,
        checkout=None,
    ).delete()


class Migration(migrations.Migration):
    dependencies = [("billing", "0024_collection")]

    operations = [migrations.RunPython(forget_untried, migrations.RunPython.noop)]
