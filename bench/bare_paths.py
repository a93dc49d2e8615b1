"""The bare views' paths."""

BARE = "/bare/"
DOCUMENTED = "/documented/"
