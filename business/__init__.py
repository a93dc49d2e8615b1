"""What the owner decides about the business itself: its brand, and the pictures of it."""
