"""The roof: settings, URLs, startup, worker.

It may import everything; others import it only to start.
"""
