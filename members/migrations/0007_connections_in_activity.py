"""Kinds of activity for connected accounts, and recovery codes by their usual name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0006_notifications_in_activity"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accountactivity",
            name="detail",
            field=models.CharField(
                blank=True,
                help_text="A passkey’s name, a provider, a card, or a plan.",
                max_length=200,
            ),
        ),
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
                    ("connected", "Google or Apple connected"),
                    ("disconnected", "Google or Apple disconnected"),
                    ("codes_made", "New recovery codes"),
                    ("code_used", "Recovery code used"),
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
