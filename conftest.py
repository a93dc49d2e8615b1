"""Fixtures for the unit tests of every app: a running sandbox, members, and jobs run in place."""
