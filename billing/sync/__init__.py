"""Turns Stripe's objects into rows, and announces changes. It may import `notices` and below."""
