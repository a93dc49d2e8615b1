"""A dispute's column that nothing reads goes: an open dispute stops every refund, an inquiry too."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_refund_ledger_is_append_only")]

    operations = [migrations.RemoveField(model_name="dispute", name="is_charge_refundable")]
