"""Reads shared by several packages; it writes nothing except trial records.

It may import `models` and below.
"""
