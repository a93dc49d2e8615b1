"""Stripe's objects become rows, and what changed is told. Imports `notices` and below."""
