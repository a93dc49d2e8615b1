"""Shared by all apps' tests: databases, data that's set up once, and how much to run."""
