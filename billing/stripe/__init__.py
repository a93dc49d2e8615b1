"""The border to Stripe: the one room that imports its SDK. Imports `core`."""
