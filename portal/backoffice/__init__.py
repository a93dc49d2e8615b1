"""The staff site across apps: home, sidebar, groups, search, a member's page, closing accounts.

It may import `billing`, `members`, `emails`, and `common`.
"""
