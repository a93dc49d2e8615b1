"""The business on the staff site."""

from business.admin import brand, hours, suggestions

__all__ = ["brand", "hours", "suggestions"]
