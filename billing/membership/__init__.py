"""Use cases of the membership: join, cancel, switch, stay. Imports `sync` and below."""
