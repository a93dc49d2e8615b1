"""Closed months of the books, which the database itself refuses to change or remove."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# An empty table holds nothing to protect: a test database may be emptied by statement.
PROTECT = """
CREATE FUNCTION billing_refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM billing_bookclosing) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'A closed month of the books stays as it is: % is refused.', TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER billing_bookclosing_append_only
    BEFORE UPDATE OR DELETE ON billing_bookclosing
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_reopening();
CREATE TRIGGER billing_bookclosing_no_truncate
    BEFORE TRUNCATE ON billing_bookclosing
    FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_reopening();
"""
RELEASE = """
DROP TRIGGER billing_bookclosing_no_truncate ON billing_bookclosing;
DROP TRIGGER billing_bookclosing_append_only ON billing_bookclosing;
DROP FUNCTION billing_refuse_reopening();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0019_balance_and_payouts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BookClosing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("month", models.DateField(help_text="Its first day.", unique=True)),
                ("time_zone", models.CharField(max_length=64)),
                ("statements", models.JSONField()),
                ("closed_at", models.DateTimeField()),
                ("previous_hash", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "closed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-month"],
                "permissions": [("close_books", "Can close a month of the books")],
                "default_permissions": ("view",),
            },
        ),
        migrations.RunSQL(PROTECT, RELEASE),
    ]
