"""The member's pages: facts, then words, then the page. It may import every use case."""
