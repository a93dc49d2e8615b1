"""Use cases of payments beside the membership. Imports `membership` and below."""
