"""A local Stripe, Twilio, and mailbox that speak the real wire protocols in a separate process."""
