"""What the tests of all apps share: databases, worlds made once, and how much is played."""
