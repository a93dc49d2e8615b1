"""A local Stripe, Twilio and mailbox that speak the real wire protocols; a process of its own."""
