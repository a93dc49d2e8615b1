"""Pure statuses, dates, texts, and rules. It imports nothing of ours except `common`."""
