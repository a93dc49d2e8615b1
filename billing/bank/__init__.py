"""What a bank's files and mails say (pure). It may import `billing/core` and `common`."""
