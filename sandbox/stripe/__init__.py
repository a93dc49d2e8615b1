"""Stripe's API, version 2026-10-28.endive, as far as it's needed. One module per resource."""
