"""A permission to help members sign in, and a kind of activity for being signed out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0008_who_decides_on_staff"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="member",
            options={
                "permissions": [
                    ("correct_contact", "Can correct a member's email address and phone number"),
                    (
                        "help_sign_in",
                        "Can sign a member out everywhere, and email them a sign-in link",
                    ),
                ]
            },
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
                    ("signed_out", "Signed out everywhere"),
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
