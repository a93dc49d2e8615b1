"""The business on the staff site."""
