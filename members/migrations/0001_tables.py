"""Members, and the records of their sign-ins, consents and access."""

from django.conf import settings
from django.db import migrations, models
from phonenumber_field.modelfields import PhoneNumberField

ID = models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
CONSENT_SOURCES = [
    ("signup", "Sign-up"),
    ("account", "Account page"),
    ("reply", "Reply by text message"),
]
ORIGINS = [
    ("staff", "By staff, on the staff site"),
    ("own", "By themselves"),
    ("mailbox", "By a code sent to their email, and nothing else"),
    ("command", "At the server’s command line"),
]


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    # A database that has applied all of these, from before they were squashed, is up to date.
    replaces = [
        ("members", "0001_initial"),
        ("members", "0004_phone_default"),
        ("members", "0005_sign_ins_and_terms"),
        ("members", "0006_contact_corrections"),
        ("members", "0007_one_spelling_of_addresses"),
        ("members", "0008_one_form_of_phone_numbers"),
        ("members", "0009_devices"),
        ("members", "0010_access_changes"),
        ("members", "0011_access_origin"),
    ]

    operations = [
        migrations.CreateModel(
            name="Member",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=models.CASCADE, related_name="member", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "phone",
                    PhoneNumberField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=128,
                        region=None,
                        verbose_name="phone number",
                    ),
                ),
                ("phone_verified_at", models.DateTimeField(blank=True, null=True)),
                (
                    "sms_consent_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="agreed to text messages"
                    ),
                ),
                (
                    "sms_consent_source",
                    models.CharField(
                        blank=True, choices=CONSENT_SOURCES, db_default="", max_length=10
                    ),
                ),
                (
                    "sms_stopped_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Set when the member replies STOP or switches text messages off.",
                        null=True,
                        verbose_name="stopped text messages",
                    ),
                ),
                ("language", models.CharField(db_default="en", max_length=10)),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="IANA name, for instance America/New_York. Empty: the business's own.",
                        max_length=64,
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("correct_contact", "Can correct a member's email address and phone number")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(phone_verified_at__isnull=False),
                        fields=("phone",),
                        name="members_verified_phone_is_unique",
                        violation_error_message="Another member has verified this phone number.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SmsConsentRecord",
            fields=[
                ("id", ID),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=models.CASCADE, related_name="sms_consents", to="members.member"
                    ),
                ),
                ("agreed", models.BooleanField()),
                ("source", models.CharField(choices=CONSENT_SOURCES, max_length=10)),
                (
                    "phone",
                    PhoneNumberField(
                        blank=True,
                        max_length=128,
                        region=None,
                        verbose_name="phone number at that time",
                    ),
                ),
                ("happened_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"verbose_name": "text message consent", "ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="PhoneCode",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="phone_codes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "phone",
                    PhoneNumberField(max_length=128, region=None, verbose_name="phone number"),
                ),
                (
                    "country",
                    models.CharField(help_text="ISO code of the number's country.", max_length=2),
                ),
                (
                    "client",
                    models.CharField(
                        help_text="IPv4 address, or the /64 of an IPv6 address.",
                        max_length=45,
                        verbose_name="client network",
                    ),
                ),
                ("sent_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "verbose_name": "phone code sent",
                "verbose_name_plural": "phone codes sent",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("happened_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("ip", models.GenericIPAddressField(verbose_name="IP address")),
                (
                    "user_agent",
                    models.CharField(blank=True, max_length=500, verbose_name="browser"),
                ),
                (
                    "method",
                    models.CharField(
                        blank=True,
                        help_text="How: password, code by email, second step.",
                        max_length=100,
                    ),
                ),
            ],
            options={"verbose_name": "sign-in", "ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="devices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "browser",
                    models.UUIDField(help_text="What its cookie holds, whoever signs in with it."),
                ),
                (
                    "password",
                    models.CharField(
                        help_text="A new password ends the row.",
                        max_length=64,
                        verbose_name="fingerprint of the password",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seen_at", models.DateTimeField(db_index=True, verbose_name="last signed in")),
            ],
            options={
                "indexes": [models.Index(fields=["browser"], name="members_device_browser")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "browser"), name="members_device_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AccessChange",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="access_changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        help_text="Who did it, where that is known.",
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "origin",
                    models.CharField(
                        choices=ORIGINS, default="staff", max_length=10, verbose_name="way"
                    ),
                ),
                ("what", models.TextField()),
                (
                    "holds",
                    models.BooleanField(
                        default=True,
                        help_text="Their own changes don’t hold them up.",
                        verbose_name="decides on no money for a day",
                    ),
                ),
                ("happened_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="TermsAcceptance",
            fields=[
                ("id", ID),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=models.CASCADE,
                        related_name="terms_accepted",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("version", models.CharField(max_length=100)),
                ("url", models.URLField(max_length=500, verbose_name="address of the terms")),
                (
                    "where",
                    models.CharField(
                        choices=[("signup", "Sign-up"), ("join", "Joining the membership")],
                        max_length=10,
                    ),
                ),
                (
                    "ip",
                    models.GenericIPAddressField(blank=True, null=True, verbose_name="IP address"),
                ),
                ("happened_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "terms accepted",
                "verbose_name_plural": "terms accepted",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "version"), name="members_terms_once")
                ],
            },
        ),
    ]
