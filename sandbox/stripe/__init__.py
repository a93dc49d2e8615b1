"""Stripe's API, version 2026-10-28.endive, as far as the product uses it. One module a resource."""
