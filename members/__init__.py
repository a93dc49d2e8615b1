"""The members: profile, phone, consent, access. It knows nothing about money.

`signin` has all of sign-up and sign-in. Upper modules may import `emails`, and all `common`.
"""
