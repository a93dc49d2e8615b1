"""Setting up Stripe, and judging what's set up there."""
