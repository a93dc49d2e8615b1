"""Everything that touches allauth: sign-in, sign-up, codes, second step, devices, sessions."""
