"""Pure statuses, texts, dates, and limits. It imports nothing of ours except `common`."""
