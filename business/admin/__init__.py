"""The business on the staff site."""

from business.admin import brand, suggestions

__all__ = ["brand", "suggestions"]
