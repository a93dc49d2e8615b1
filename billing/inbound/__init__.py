"""Receives, stores, and processes Stripe's events. It may import `refunds` and below."""
