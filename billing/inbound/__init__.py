"""Events of Stripe's come in, are kept, and are processed. Imports `refunds` and below."""
