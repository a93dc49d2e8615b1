"""Names and words leave the ledger of refunds for a table of their own, where they can be erased.

The ledger is append-only, by trigger. Here, and nowhere else, the trigger is lifted, inside of this
transaction, and put back: every entry gets the digests of its texts and is hashed anew, without
names and words (scheme 2). The hash that it had is kept as one more text, so that the chain as it
was, and the heads that were exported of it, can still be proved: what was changed by hand before is
found after this as it was before. The log says where the old chain ended and where the new one does.

There is no way back: the texts may have been erased since.
"""

import hashlib
import json
import logging
import secrets
from datetime import UTC

import django.db.models.deletion
from django.db import migrations, models

logger = logging.getLogger("billing.migrations")

BY_STRIPE = {"found", "stripe", "reopened"}
LIFT = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE billing_refundentry DISABLE TRIGGER billing_refundentry_append_only;
"""
RESTORE = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE billing_refundentry ENABLE TRIGGER billing_refundentry_append_only;
"""
REFUSE_CHANGES = """
CREATE FUNCTION billing_refuse_text_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A text of the ledger of refunds is erased or kept, not changed.'
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER billing_ledgertext_unchanged
    BEFORE UPDATE ON billing_ledgertext
    FOR EACH ROW EXECUTE FUNCTION billing_refuse_text_change();
"""


def move(apps, schema_editor):
    """Write each entry's texts beside it, and hash the entry without them."""
    entries = apps.get_model("billing", "RefundEntry").objects.order_by("number")
    if not entries.exists():
        return
    last = entries.last().hash
    schema_editor.execute(LIFT)
    previous = "0" * 64
    for entry in entries.iterator(chunk_size=500):
        previous = _move_one(apps, entry, previous)
    schema_editor.execute(RESTORE)
    logger.warning("Ledger of refunds: names kept apart. It ended at %s, now %s.", last, previous)


def _move_one(apps, entry, previous):
    texts = {"actor": "" if _is_plain(entry) else entry.actor_name}
    texts |= {"words": entry.words, "earlier": entry.hash}
    for kind, text in texts.items():
        setattr(entry, f"{kind}_digest", _write(apps, entry, kind, text) if text else "")
    entry.previous_hash = previous
    entry.hash = _sha256(_hashed(entry))
    entry.save()
    return entry.hash


def _is_plain(entry):
    """Whether nobody did it, and it says so."""
    name = "Stripe" if entry.action in BY_STRIPE else "The portal"
    return entry.actor_id is None and entry.actor_name == name


def _write(apps, entry, kind, text):
    salt = secrets.token_hex(16)
    rows = apps.get_model("billing", "LedgerText").objects
    rows.create(entry=entry, kind=kind, text=text, salt=salt)
    return _sha256(f"{salt}{text}")


def _sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _hashed(entry):
    columns = {
        "scheme": 2,
        "number": entry.number,
        "refund": entry.refund_id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_digest": entry.actor_digest,
        "action": entry.action,
        "from": entry.from_state,
        "to": entry.to_state,
        "amount": entry.amount,
        "currency": entry.currency,
        "stripe_id": entry.stripe_id,
        "words_digest": entry.words_digest,
        "policy_version": entry.policy_version,
        "earlier_digest": entry.earlier_digest,
        "previous_hash": entry.previous_hash,
    }
    return json.dumps(columns, sort_keys=True, separators=(",", ":"))


KINDS = [("actor", "Actor"), ("words", "Words"), ("earlier", "Earlier")]


class Migration(migrations.Migration):
    """Make the table, move, and let go of the columns."""

    dependencies = [("billing", "0027_columns_as_wide_as_stripes_texts")]

    operations = [
        migrations.CreateModel(
            name="LedgerText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(choices=KINDS, max_length=10)),
                ("text", models.TextField()),
                ("salt", models.CharField(max_length=32)),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="texts",
                        to="billing.refundentry",
                    ),
                ),
            ],
            options={"ordering": ["entry_id", "kind"]},
        ),
        migrations.AddConstraint(
            model_name="ledgertext",
            constraint=models.UniqueConstraint(
                fields=("entry", "kind"), name="billing_one_text_of_a_kind"
            ),
        ),
        *(
            migrations.AddField(
                model_name="refundentry",
                name=name,
                field=models.CharField(blank=True, default="", max_length=64),
                preserve_default=False,
            )
            for name in ("actor_digest", "words_digest", "earlier_digest")
        ),
        migrations.RunPython(move),
        migrations.RemoveField(model_name="refundentry", name="actor_name"),
        migrations.RemoveField(model_name="refundentry", name="words"),
        migrations.RunSQL(
            REFUSE_CHANGES,
            "DROP TRIGGER billing_ledgertext_unchanged ON billing_ledgertext;"
            "DROP FUNCTION billing_refuse_text_change();",
        ),
    ]
