"""What a bank is sent about a disputed payment. Imports `payments` and below."""
