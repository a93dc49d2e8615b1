"""A pause that is found in a row from before this column is no news: nobody had looked."""

from django.db import migrations, models


def nobody_has_looked(apps, schema_editor):
    apps.get_model("billing", "Subscription").objects.update(pause_behavior=None)


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0028_ledger_names_apart'),
    ]

    operations = [
        migrations.AlterField(
            model_name='subscription',
            name='pause_behavior',
            field=models.CharField(blank=True, choices=[('keep_as_draft', 'Keep as draft'), ('mark_uncollectible', 'Mark uncollectible'), ('void', 'Void')], help_text='While collection is paused: what becomes of new invoices.', max_length=100, null=True),
        ),
        migrations.RunPython(nobody_has_looked, migrations.RunPython.noop),
    ]
