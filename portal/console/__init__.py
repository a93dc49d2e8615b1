"""Django's account commands, which also notify owners. It's listed before Django's app."""
