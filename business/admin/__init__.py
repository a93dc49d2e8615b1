"""The business on the staff site."""

from business.admin import attachments, brand, hours, suggestions

__all__ = ["attachments", "brand", "hours", "suggestions"]
