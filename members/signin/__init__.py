"""Everything that touches allauth: signing in and up, codes, the second step, devices, sessions."""
