"""Which groups are the standard ones, so that their names can change.

`staff_groups` fills it: a group with a role's name, and everyone in it, becomes that role's.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("portal", "0003_names_by_word"),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffRole",
            fields=[
                ("key", models.CharField(max_length=20, primary_key=True, serialize=False)),
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, to="auth.group"
                    ),
                ),
            ],
        )
    ]
