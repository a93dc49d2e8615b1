"""The border to Stripe: the only package that imports its SDK. It may import `core`."""
