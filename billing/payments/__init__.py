"""Payments besides the membership. It may import `membership` and below."""
