"""The members: profile, phone, consent, access. It knows nothing about money."""
