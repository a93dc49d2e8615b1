"""Phone numbers get the form in which they are kept: Mexico's and Argentina's have several."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from members import numbers


def take_kept_form(apps: Any, _schema_editor: Any) -> None:
    """Rewrite each number, unless another member has verified it in its kept form."""
    member = apps.get_model("members", "Member")
    rows = member.objects.filter(phone__regex=r"^\+5[245]")
    for row in rows.iterator():
        phone = numbers.kept(str(row.phone))
        if phone == str(row.phone):
            continue
        others = member.objects.filter(phone=phone, phone_verified_at__isnull=False)
        if row.phone_verified_at and others.exists():
            print(f"\nThe number of user {row.user_id} is another member's, too.")
        else:
            member.objects.filter(pk=row.pk).update(phone=phone)


class Migration(migrations.Migration):
    dependencies = [("members", "0007_one_spelling_of_addresses")]

    operations = [migrations.RunPython(take_kept_form, migrations.RunPython.noop)]
