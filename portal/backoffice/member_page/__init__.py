"""A member's page on the staff site: `facts` reads; `words` and `needs` say it without a query."""
