"""The business on the staff site."""

from business.admin import brand

__all__ = ["brand"]
