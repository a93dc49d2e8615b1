"""Money: what Stripe says about it, and what members and staff decide.

From top to bottom: `admin`, `tasks` (jobs and their schedule), `pages`, `disputes` and `reconcile`,
`inbound`, `payments`, `refunds`, `membership`, `sync`, `notices`, `facts`, `models`, `stripe`,
`core`. Each may import only those below it.
"""
