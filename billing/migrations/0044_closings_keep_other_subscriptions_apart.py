"""A new closing has other subscriptions apart from the membership; earlier ones stay as they are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0043_index_of_renewing_memberships"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bookclosing",
            name="version",
            field=models.PositiveSmallIntegerField(db_default=1, default=3),
        ),
    ]
