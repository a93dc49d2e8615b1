"""Who the members are: profile, phone, consent, access. It knows nothing about money."""
