"""The database makes a member for every user, in whatever way the user is inserted."""

from django.conf import settings
from django.db import migrations

CREATE = """
CREATE FUNCTION members_make_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO members_member (user_id) VALUES (NEW.id) ON CONFLICT (user_id) DO NOTHING;
    RETURN NEW;
END;
$$;
CREATE TRIGGER members_make_member AFTER INSERT ON auth_user
    FOR EACH ROW EXECUTE FUNCTION members_make_member();
INSERT INTO members_member (user_id) SELECT id FROM auth_user ON CONFLICT (user_id) DO NOTHING;
"""
DROP = """
DROP TRIGGER members_make_member ON auth_user;
DROP FUNCTION members_make_member();
"""


class Migration(migrations.Migration):
    """Make the trigger, and the members of the users that are there already."""

    dependencies = [
        ("members", "0001_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunSQL(CREATE, DROP)]
