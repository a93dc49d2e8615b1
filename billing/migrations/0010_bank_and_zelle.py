"""What banks said in files and mails, and the payments that members make by Zelle."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_lists_of_payments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BankAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Such as “Chase checking”.", max_length=60, unique=True
                    ),
                ),
                ("currency", models.CharField(default="usd", max_length=3)),
                ("mapping", models.JSONField(blank=True, default=dict, verbose_name="columns")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="BankMailbox",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("mailbox", models.CharField(max_length=300, unique=True)),
                ("uid_validity", models.BigIntegerField(blank=True, null=True)),
                ("last_uid", models.BigIntegerField(default=0)),
                (
                    "read_at",
                    models.DateTimeField(blank=True, help_text="When it was last read.", null=True),
                ),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, max_length=5000)),
            ],
            options={
                "verbose_name_plural": "bank mailboxes",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="BankFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("digest", models.CharField(help_text="SHA-256 of its bytes.", max_length=64)),
                ("lines_new", models.PositiveIntegerField(default=0, verbose_name="new")),
                (
                    "lines_known",
                    models.PositiveIntegerField(default=0, verbose_name="known before"),
                ),
                ("lines_pending", models.PositiveIntegerField(default=0, verbose_name="pending")),
                ("unreadable", models.JSONField(blank=True, default=list)),
                ("imported_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="billing.bankaccount",
                    ),
                ),
                (
                    "imported_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="Nobody: it was imported by a command.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("import_bank_file", "Can import a bank's files")],
            },
        ),
        migrations.CreateModel(
            name="BankLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("identity", models.CharField(max_length=64)),
                ("number", models.PositiveIntegerField(verbose_name="line in the file")),
                ("posted_on", models.DateField()),
                ("amount", models.BigIntegerField()),
                ("description", models.TextField(blank=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("zelle_in", "Zelle in"),
                            ("zelle_out", "Zelle out"),
                            ("other", "Other"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "name",
                    models.CharField(blank=True, help_text="Who it's from or to.", max_length=200),
                ),
                (
                    "transaction",
                    models.CharField(blank=True, help_text="The bank's reference.", max_length=60),
                ),
                ("memo", models.CharField(blank=True, max_length=500)),
                (
                    "balance",
                    models.BigIntegerField(
                        blank=True, help_text="After this line, in cents.", null=True
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.bankaccount",
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="billing.bankfile",
                    ),
                ),
            ],
            options={
                "ordering": ["-posted_on", "-id"],
            },
        ),
        migrations.CreateModel(
            name="BankMail",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "digest",
                    models.CharField(help_text="SHA-256 of its bytes.", max_length=64, unique=True),
                ),
                ("message_id", models.CharField(blank=True, max_length=998)),
                (
                    "content",
                    models.BinaryField(
                        blank=True, help_text="As it came; emptied later.", null=True
                    ),
                ),
                (
                    "sender",
                    models.CharField(
                        blank=True, help_text="Its From line, unproved.", max_length=320
                    ),
                ),
                ("subject", models.CharField(blank=True, max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("verified", "Verified"),
                            ("unverified", "Unverified"),
                            ("unreadable", "Unreadable"),
                            ("repeated", "Repeated"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "domain",
                    models.CharField(
                        blank=True, help_text="Whose signature it has.", max_length=253
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        help_text="Why it doesn't count, or can't be read.",
                        max_length=500,
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        blank=True, choices=[("in", "In"), ("out", "Out")], max_length=3
                    ),
                ),
                (
                    "name",
                    models.CharField(blank=True, help_text="Who it's from or to.", max_length=200),
                ),
                (
                    "amount",
                    models.BigIntegerField(
                        blank=True, help_text="Cents, always positive.", null=True
                    ),
                ),
                ("sent_on", models.DateField(blank=True, null=True)),
                (
                    "transaction",
                    models.CharField(blank=True, help_text="The bank's number.", max_length=60),
                ),
                ("memo", models.CharField(blank=True, max_length=500)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                (
                    "seen_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When staff said that they've seen its problem.",
                        null=True,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "verified",
                                    "unreadable",
                                ],
                            )
                        ),
                        fields=("message_id",),
                        name="billing_bank_mail_once_by_id",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("state", "verified"),
                            models.Q(("transaction", ""), _negated=True),
                        ),
                        fields=("direction", "transaction"),
                        name="billing_bank_mail_once_by_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BankTransfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "direction",
                    models.CharField(choices=[("in", "In"), ("out", "Out")], max_length=3),
                ),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "name",
                    models.CharField(blank=True, help_text="Who it's from or to.", max_length=200),
                ),
                ("memo", models.CharField(blank=True, max_length=500)),
                ("on", models.DateField(verbose_name="date")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "told_stale_at",
                    models.DateTimeField(
                        blank=True, help_text="When staff heard that no file has had it.", null=True
                    ),
                ),
                ("set_aside_at", models.DateTimeField(blank=True, null=True)),
                ("set_aside_because", models.CharField(blank=True, max_length=300)),
                (
                    "line",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer",
                        to="billing.bankline",
                    ),
                ),
                (
                    "mail",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transfer",
                        to="billing.bankmail",
                    ),
                ),
                (
                    "set_aside_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-on", "-id"],
                "permissions": [
                    ("match_bank_transfer", "Can match transfers with payments"),
                    ("view_bank_money", "Can see the bank's money"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExpectedTransfer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=5, unique=True)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("amount", "Amount"),
                            ("request", "Request"),
                            ("membership", "Membership"),
                            ("invoice", "Invoice"),
                        ],
                        max_length=10,
                    ),
                ),
                ("price_id", models.CharField(blank=True, max_length=255)),
                ("amount", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("description", models.CharField(max_length=200)),
                (
                    "payer_name",
                    models.CharField(
                        blank=True,
                        help_text="Whose account it comes from, as the member says.",
                        max_length=200,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("announced", "Announced"),
                            ("confirmed", "Confirmed"),
                            ("expired", "Expired"),
                            ("canceled", "Canceled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "said_sent_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the member said that they've sent it.",
                        null=True,
                    ),
                ),
                ("reminded_at", models.DateTimeField(blank=True, null=True)),
                ("announced_at", models.DateTimeField(blank=True, null=True)),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closed_at",
                    models.DateTimeField(
                        blank=True, help_text="When it expired or was canceled.", null=True
                    ),
                ),
                (
                    "booking",
                    models.PositiveSmallIntegerField(
                        default=1,
                        help_text="How many times it has been booked at Stripe, this one included.",
                    ),
                ),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        help_text="Why it isn't booked at Stripe yet, for staff.",
                        max_length=500,
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="expected_transfers",
                        to="billing.invoice",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="expected_transfers",
                        to="billing.paymentrequest",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="expected_transfers",
                        to="billing.subscription",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="expected_transfers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Zelle payment",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("confirmed", "Confirmed"),
                            ("undone", "Undone"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reasons", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undone_because", models.CharField(blank=True, max_length=300)),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "first_confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        help_text="The first of two people, where the amount takes two.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "transfer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="billing.banktransfer",
                    ),
                ),
                (
                    "expected",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="billing.expectedtransfer",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="KnownPayer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        help_text="What `billing.bank.names.key` makes.", max_length=200
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="known_payers",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ZelleTerms",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "takes_amounts",
                    models.BooleanField(default=False, verbose_name="single payments"),
                ),
                (
                    "takes_requests",
                    models.BooleanField(default=False, verbose_name="payment requests and items"),
                ),
                (
                    "takes_memberships",
                    models.BooleanField(default=False, verbose_name="the membership"),
                ),
                ("minimum", models.BigIntegerField(default=100, verbose_name="smallest amount")),
                ("maximum", models.BigIntegerField(default=200000, verbose_name="largest amount")),
                (
                    "name",
                    models.CharField(
                        blank=True,
                        help_text="As members see it.",
                        max_length=60,
                        verbose_name="business name at Zelle",
                    ),
                ),
                (
                    "address",
                    models.CharField(
                        blank=True,
                        max_length=120,
                        verbose_name="email address or phone number at Zelle",
                    ),
                ),
                ("code", models.BinaryField(blank=True, null=True, verbose_name="QR code")),
                ("code_type", models.CharField(blank=True, max_length=20)),
                (
                    "prefix",
                    models.CharField(
                        blank=True,
                        help_text="Up to four letters, such as HY in HY-7K3P-4.",
                        max_length=4,
                        verbose_name="prefix of references",
                    ),
                ),
                (
                    "confirms_by_itself",
                    models.BooleanField(
                        default=False,
                        verbose_name="count a payment as soon as the bank's mail names it",
                    ),
                ),
                (
                    "trusted_amount",
                    models.BigIntegerField(default=10000, verbose_name="up to this amount"),
                ),
                (
                    "trusted_a_day",
                    models.BigIntegerField(
                        default=50000, verbose_name="up to this a day altogether"
                    ),
                ),
                (
                    "days_to_pay",
                    models.PositiveSmallIntegerField(default=7, verbose_name="days to pay"),
                ),
                (
                    "days_to_prove",
                    models.PositiveSmallIntegerField(
                        default=5,
                        verbose_name="days until announced money must be on the account",
                    ),
                ),
                (
                    "days_of_grace",
                    models.PositiveSmallIntegerField(
                        default=7, verbose_name="days after a membership's renewal to pay it"
                    ),
                ),
                ("changed_at", models.DateTimeField(auto_now=True)),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "Zelle terms",
                "verbose_name_plural": "Zelle terms",
            },
        ),
        migrations.AddIndex(
            model_name="bankline",
            index=models.Index(fields=["account", "-posted_on"], name="billing_bank_line_days"),
        ),
        migrations.AddConstraint(
            model_name="bankline",
            constraint=models.UniqueConstraint(
                fields=("account", "identity"), name="billing_bank_line_once_an_account"
            ),
        ),
        migrations.AddIndex(
            model_name="banktransfer",
            index=models.Index(
                fields=["direction", "amount", "on"], name="billing_transfer_meeting"
            ),
        ),
        migrations.AddConstraint(
            model_name="banktransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="billing_transfer_of_an_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="banktransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("mail__isnull", False), ("line__isnull", False), _connector="OR"
                ),
                name="billing_transfer_that_somebody_told_of",
            ),
        ),
        migrations.AddIndex(
            model_name="expectedtransfer",
            index=models.Index(fields=["user", "state"], name="billing_expected_of_user"),
        ),
        migrations.AddConstraint(
            model_name="expectedtransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="billing_expected_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="expectedtransfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("purpose", "request"),
                        ("request__isnull", False),
                    ),
                    models.Q(
                        models.Q(
                            ("purpose", "request"),
                            _negated=True,
                        ),
                        ("request", None),
                    ),
                    _connector="OR",
                ),
                name="billing_expected_of_a_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="expectedtransfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "announced",
                            "waiting",
                        ],
                    ),
                    (
                        "purpose__in",
                        [
                            "amount",
                            "membership",
                        ],
                    ),
                ),
                fields=("user", "purpose"),
                name="billing_one_open_expected",
            ),
        ),
        migrations.AddConstraint(
            model_name="expectedtransfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "canceled",
                            "expired",
                        ],
                    ),
                    _negated=True,
                ),
                fields=("request",),
                name="billing_one_expected_of_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="expectedtransfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "canceled",
                            "expired",
                        ],
                    ),
                    _negated=True,
                ),
                fields=("invoice",),
                name="billing_one_expected_of_invoice",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="billing_allocation_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "undone"), _negated=True),
                fields=("transfer", "expected"),
                name="billing_allocation_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("first_confirmed_by", None),
                    ("confirmed_by", None),
                    models.Q(("first_confirmed_by", models.F("confirmed_by")), _negated=True),
                    _connector="OR",
                ),
                name="billing_allocation_by_two_people",
            ),
        ),
        migrations.AddConstraint(
            model_name="knownpayer",
            constraint=models.UniqueConstraint(
                fields=("user", "key"), name="billing_known_payer_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="zelleterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("pk", 1)), name="billing_one_row_of_zelle_terms"
            ),
        ),
        migrations.AddConstraint(
            model_name="zelleterms",
            constraint=models.CheckConstraint(
                condition=models.Q(("maximum__gte", models.F("minimum")), ("minimum__gt", 0)),
                name="billing_zelle_amounts_in_order",
            ),
        ),
    ]
