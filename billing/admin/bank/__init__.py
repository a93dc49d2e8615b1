"""The bank on the staff site: terms of Zelle, files, mails, transfers, and what they pay."""
