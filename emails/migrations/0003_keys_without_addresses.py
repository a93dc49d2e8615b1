"""Keys that named an address, so that a message is made once, hold what stands for it instead."""

from django.db import migrations
from django.utils.crypto import salted_hmac


def hide_addresses(apps, schema_editor):
    """Write keys of invitations and of mails to staff as `emails.outbox` makes them now."""
    messages = apps.get_model("emails", "Message").objects
    for message in messages.filter(dedupe_key__contains="@").only("dedupe_key").iterator():
        parts = message.dedupe_key.split(":")
        named = [part for part in parts if "@" in part]
        message.dedupe_key = ":".join(_person(part) if part in named else part for part in parts)
        message.save(update_fields=["dedupe_key"])


def _person(address):
    return salted_hmac("emails.recipient", address.lower(), algorithm="sha256").hexdigest()[:32]


class Migration(migrations.Migration):
    """There is no way back: what stands for an address does not tell it."""

    dependencies = [("emails", "0002_resends_expiry_and_database_defaults")]

    operations = [migrations.RunPython(hide_addresses, migrations.RunPython.noop, elidable=True)]
