"""Addresses get the one spelling of their mailbox, and names lose what can't be shown."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from portal import addresses, characters

# What may have another spelling: ASCII in lower case is its own.
UNUSUAL = r"[^ -@\[-~]"


def take_one_spelling(apps: Any, _schema_editor: Any) -> None:
    """Rewrite each address, unless another account has the mailbox: then it is named.

    The account that keeps its spelling can't be signed in to until staff correct its address, as
    nobody but its owner can say which of the two shall go on.
    """
    user, email_address = apps.get_model("auth", "User"), apps.get_model("account", "EmailAddress")
    for row in email_address.objects.filter(email__regex=UNUSUAL).iterator():
        once = addresses.canonical(row.email)
        others = email_address.objects.filter(email=once).exclude(pk=row.pk)
        if others.exclude(user=row.user_id).exists():
            print(f"\n{row.email} of user {row.user_id} is the mailbox of another account, too.")
        elif others.exists():
            row.delete()
        else:
            email_address.objects.filter(pk=row.pk).update(email=once)
    for row in user.objects.filter(email__regex=UNUSUAL).iterator():
        once = addresses.canonical(row.email)
        if not user.objects.filter(email=once).exclude(pk=row.pk).exists():
            user.objects.filter(pk=row.pk).update(email=once)


def clean_names(apps: Any, _schema_editor: Any) -> None:
    """Leave out of names what their form leaves out now."""
    user = apps.get_model("auth", "User")
    odd = models.Q(first_name__regex=r"[^ -~]") | models.Q(last_name__regex=r"[^ -~]")
    for row in user.objects.filter(odd).iterator():
        first, last = characters.line(row.first_name), characters.line(row.last_name)
        if (first, last) != (row.first_name, row.last_name):
            user.objects.filter(pk=row.pk).update(first_name=first, last_name=last)


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0006_contact_corrections"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(take_one_spelling, migrations.RunPython.noop),
        migrations.RunPython(clean_names, migrations.RunPython.noop),
    ]
