"""The owner's brand, in versions, and the pictures that it shows."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Picture",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "use",
                    models.CharField(
                        choices=[("logo", "Logo"), ("cover", "Cover picture")], max_length=5
                    ),
                ),
                ("file", models.CharField(db_index=True, max_length=80)),
                ("width", models.PositiveIntegerField(help_text="In pixels.")),
                ("height", models.PositiveIntegerField(help_text="In pixels.")),
                ("mail", models.CharField(blank=True, max_length=80)),
                ("mail_width", models.PositiveIntegerField(default=0, help_text="In pixels.")),
                ("mail_height", models.PositiveIntegerField(default=0, help_text="In pixels.")),
                ("icon", models.CharField(blank=True, max_length=80)),
                (
                    "is_pale",
                    models.BooleanField(default=False, help_text="Hard to see on a white page."),
                ),
                (
                    "is_dark",
                    models.BooleanField(default=False, help_text="Hard to see on a dark page."),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="uploaded")),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BrandVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "version",
                    models.PositiveIntegerField(
                        unique=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="saved")),
                (
                    "restores",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="The earlier version whose values these are.",
                        null=True,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=60)),
                ("tagline", models.CharField(blank=True, max_length=140)),
                ("color", models.CharField(blank=True, max_length=7)),
                (
                    "cover_alt",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="description of the cover"
                    ),
                ),
                ("benefits", models.JSONField(blank=True, default=list)),
                (
                    "public_site_url",
                    models.URLField(blank=True, max_length=300, verbose_name="website"),
                ),
                (
                    "socials",
                    models.JSONField(blank=True, default=list, verbose_name="social links"),
                ),
                ("postal_address", models.TextField(blank=True, max_length=300)),
                ("vat_id", models.CharField(blank=True, max_length=40, verbose_name="tax ID")),
                ("support_email", models.CharField(blank=True, max_length=254)),
                ("support_phone", models.CharField(blank=True, max_length=40)),
                ("support_hours", models.CharField(blank=True, max_length=140)),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="saved by",
                    ),
                ),
                (
                    "cover",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="business.picture",
                        verbose_name="cover picture",
                    ),
                ),
                (
                    "logo",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="business.picture",
                    ),
                ),
            ],
            options={
                "verbose_name": "brand version",
                "verbose_name_plural": "brand",
                "ordering": ["-version"],
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="picture",
            constraint=models.UniqueConstraint(
                fields=("use", "file"), name="business_picture_once"
            ),
        ),
    ]
