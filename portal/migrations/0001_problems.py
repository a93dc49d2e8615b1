"""Problems of the installation that staff were told of."""

from django.db import migrations, models

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    initial = True

    dependencies = []
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [("portal", "0002_problems")]

    operations = [
        migrations.CreateModel(
            name="Problem",
            fields=[
                ("id", ID),
                ("key", models.CharField(max_length=200)),
                ("text", models.TextField(help_text="As staff were told.")),
                ("seen_at", models.DateTimeField(auto_now_add=True, verbose_name="first seen")),
                ("solved_at", models.DateTimeField(blank=True, null=True, verbose_name="solved")),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(solved_at=None),
                        fields=("key",),
                        name="portal_problem_open_once",
                    )
                ],
            },
        )
    ]
