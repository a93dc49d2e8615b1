"""The member's pages about money: facts, then words, then the page. Imports every use case."""
