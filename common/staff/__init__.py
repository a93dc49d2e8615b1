"""The staff site's building blocks for every app's pages. It may import `common`."""
