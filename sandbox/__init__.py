"""A local Stripe, Twilio, mailbox, and bank: the real wire protocols, in a separate process.

`switches` lists the faults it can play, and `stripe.cards` its test cards. It imports nothing of
ours.
"""
