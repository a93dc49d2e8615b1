"""People are found by the beginning of any word of their name, typed on any keyboard.

`staff_name_words` says which words a name has: without accents and apostrophes, in small letters,
parted at spaces and hyphens ("Łukasz Żółw-O’Neill": lukasz, zolw, oneill). It calls nothing but
PostgreSQL's own functions, so that a restored dump can build the index.
"""

from django.db import migrations

# Letters that no decomposition takes apart, in both cases, whatever the database's locale lowers.
LETTERS = "łŁøØđĐħĦıðÐ"
PLAIN = "llooddhhidd"
# Characters of a word that count: a lexeme of PostgreSQL's has at most 2 kB.
LONGEST = 100
WORDS = f"""
CREATE FUNCTION staff_name_words(name text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $body$
  SELECT ARRAY(SELECT left(word, {LONGEST}) FROM unnest(regexp_split_to_array(
    replace(replace(replace(replace(replace(translate(lower(
      regexp_replace(
        normalize(regexp_replace(name, '[''`´‘’‛ʹʻʼʾʿ′＇]', '', 'g'), NFKD),
        '[\\u0300-\\u036f]', '', 'g'
      )
    ), '{LETTERS}', '{PLAIN}'), 'ß', 'ss'), 'ẞ', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
    '[[:space:]‐-―/.,;:!?&|()<>*"“”„«»_+\\\\-]+'
  )) AS word WHERE word <> '')
$body$
"""  # noqa: S608  (constants of ours)
INDEX = """
CREATE INDEX staff_auth_user_words ON auth_user
USING gin (array_to_tsvector(staff_name_words(first_name || ' ' || last_name)))
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_staff_indexes")]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION staff_name_words(text)"),
        migrations.RunSQL(INDEX, "DROP INDEX staff_auth_user_words"),
    ]
