"""A kind of activity for switched notifications."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0005_cards_in_activity"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accountactivity",
            name="kind",
            field=models.CharField(
                choices=[
                    ("email", "Email address"),
                    ("phone", "Phone number"),
                    ("phone_removed", "Phone number removed"),
                    ("texts_on", "Text messages on"),
                    ("texts_off", "Text messages off"),
                    ("notifications", "Notifications"),
                    ("password", "Password"),
                    ("app_added", "Authenticator app added"),
                    ("app_removed", "Authenticator app removed"),
                    ("passkey_added", "Passkey added"),
                    ("passkey_removed", "Passkey removed"),
                    ("codes_made", "New spare codes"),
                    ("code_used", "Spare code used"),
                    ("steps_removed", "Second step removed"),
                    ("card", "Card"),
                    ("card_added", "Card added"),
                    ("card_removed", "Card removed"),
                    ("joined", "Membership started"),
                    ("ending", "Membership set to end"),
                    ("kept", "Membership kept"),
                    ("switched", "Other price"),
                    ("paused", "Payments paused"),
                    ("resumed", "Payments resumed"),
                    ("ended", "Membership ended"),
                ],
                max_length=20,
            ),
        ),
    ]
