"""A local Google and Apple: their pages for signing in, their tokens, and their keys."""

from sandbox.identity import pages, tokens

routes = [*pages.routes, *tokens.routes]
