"""What somebody texts to our number is kept for staff, beside messages from the help page."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0015_saved_views"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="supportmessage",
            name="phone",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Only of a text.",
                max_length=20,
                verbose_name="phone number",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="supportmessage", name="portal_support_message_has_a_sender"
        ),
        migrations.AddConstraint(
            model_name="supportmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", False),
                    models.Q(("email", ""), _negated=True),
                    models.Q(("phone", ""), _negated=True),
                    _connector="OR",
                ),
                name="portal_support_message_has_a_sender",
            ),
        ),
        migrations.AddIndex(
            model_name="supportmessage",
            index=models.Index(
                condition=models.Q(("phone", ""), _negated=True),
                fields=["phone", "created_at"],
                name="portal_support_texts",
            ),
        ),
    ]
