"""A permission to decide who is on the team: owners hold it, and need not be superusers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0007_connections_in_activity"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="accesschange",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("manage_staff", "Can decide who is on the team, and what they may do")
                ],
            },
        ),
    ]
