"""The staff site across apps: home, search, a member's page, problems, closing accounts."""
