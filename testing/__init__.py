"""Shared by all apps' tests: databases, data that's set up once, the bank, and how much to run."""
