"""Statuses, dates, texts, and rules that are pure: it imports nothing of ours but `common`."""
