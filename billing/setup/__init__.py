"""What the portal needs to have set up at Stripe: what's wrong with it, and making it."""
