"""Evidence for banks about disputed payments. It may import `payments` and below."""
