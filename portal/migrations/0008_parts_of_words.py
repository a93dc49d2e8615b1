"""People and invoices are found by any part of a name, address, or number; money by its amount.

`staff_plain_text` is a text as it's compared: without accents and apostrophes, in small letters.
`staff_letter_triples` is every three characters in a row of it ("mary": mar, ary), for an index: a
text that holds all triples of a term may hold the term. pg_trgm does the same, but it's an
extension that some hosts don't have. Each function calls nothing but PostgreSQL's own, so that a
restored dump can build the indexes.
"""

from django.db import migrations

# Letters that no decomposition takes apart, in both cases, whatever the database's locale lowers.
LETTERS = "łŁøØđĐħĦıðÐ"
PLAIN = "llooddhhidd"
# Characters that are compared: more than any name, address, or number of ours has.
LONGEST = 600
PLAIN_TEXT = f"""
  replace(replace(replace(replace(replace(translate(lower(
    regexp_replace(
      normalize(regexp_replace(left($1, {LONGEST}), '[''`´‘’‛ʹʻʼʾʿ′＇]', '', 'g'), NFKD),
      '[\\u0300-\\u036f]', '', 'g'
    )
  ), '{LETTERS}', '{PLAIN}'), 'ß', 'ss'), 'ẞ', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
"""
FUNCTION = """
CREATE FUNCTION {name} RETURNS {kind}
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$ {body} $body$
"""
TRIPLES = f"""
  SELECT ARRAY(
    SELECT DISTINCT substr(plain, place, 3)
    FROM (SELECT {PLAIN_TEXT} AS plain) AS one, generate_series(1, length(plain) - 2) AS place
  )
"""  # noqa: S608  (constants of ours)
INDEXES = {
    "staff_auth_user_parts": (
        "auth_user USING gin (staff_letter_triples(first_name || ' ' || last_name || ' ' || email))"
    ),
    "staff_invoice_number_parts": "billing_invoice USING gin (staff_letter_triples(number))",
    "staff_unassigned_name_parts": (
        "billing_unassignedcustomer USING gin (staff_letter_triples(name))"
    ),
    "staff_unassigned_email_parts": (
        "billing_unassignedcustomer USING gin (staff_letter_triples(email))"
    ),
    "staff_request_parts": "billing_paymentrequest USING gin (staff_letter_triples(description))",
    "staff_request_amount": "billing_paymentrequest (amount, id DESC)",
    "staff_payment_amount": "billing_payment (amount, id DESC)",
    "staff_invoice_total": "billing_invoice (total, id DESC)",
    "staff_refund_amount": "billing_refund (amount, id DESC)",
    "staff_dispute_amount": "billing_dispute (amount, id DESC)",
    "staff_payment_last4": "billing_payment (card_last4, id DESC) WHERE card_last4 <> ''",
    "staff_method_last4": "billing_paymentmethod (card_last4, id DESC) WHERE card_last4 <> ''",
}


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0007_planned_closings"),
        ("billing", "0017_payment_methods"),
    ]

    operations = [
        migrations.RunSQL(
            FUNCTION.format(
                name="staff_plain_text(text)", kind="text", body=f"SELECT {PLAIN_TEXT}"
            ),
            "DROP FUNCTION staff_plain_text(text)",
        ),
        migrations.RunSQL(
            FUNCTION.format(name="staff_letter_triples(text)", kind="text[]", body=TRIPLES),
            "DROP FUNCTION staff_letter_triples(text)",
        ),
        *(
            migrations.RunSQL(f"CREATE INDEX {name} ON {target}", f"DROP INDEX {name}")
            for name, target in INDEXES.items()
        ),
    ]
