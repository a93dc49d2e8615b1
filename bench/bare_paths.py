"""Where the bare views answer."""

BARE = "/bare/"
DOCUMENTED = "/documented/"
