"""The roof: settings, addresses, start, worker.

It may import everything; nobody imports it but to start.
"""
