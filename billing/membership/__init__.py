"""Membership use cases: join, cancel, switch, stay. It may import `sync` and below."""
