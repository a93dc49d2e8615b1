"""Refunds on the staff site: the queue, each case, the policy, the ledger."""
