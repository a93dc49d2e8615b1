"""The doctor: whether everything the portal depends on is set up and works."""
