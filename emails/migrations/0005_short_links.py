"""Texts have short addresses and a country, and know whether they say how to stop them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("emails", "0004_what_a_text_costs"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="link_key",
            field=models.CharField(
                blank=True,
                help_text="The first letters of a text’s short addresses.",
                max_length=9,
                null=True,
                unique=True,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="says_stop",
            field=models.BooleanField(
                blank=True,
                help_text="Whether a text says how to stop texts; decided when it’s first sent.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="country",
            field=models.CharField(
                blank=True, db_default="", help_text="ISO code of a number’s country.", max_length=2
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("channel", "sms")),
                fields=["sending_at"],
                name="emails_message_texts",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("says_stop", True)),
                fields=["recipient", "sending_at"],
                name="emails_message_stops",
            ),
        ),
    ]
