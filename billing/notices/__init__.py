"""Turns changes into messages. It may import `facts` and below, and `emails`."""
