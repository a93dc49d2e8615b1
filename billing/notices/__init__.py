"""What happened becomes messages for the outbox. Imports `facts` and below, and `emails`."""
