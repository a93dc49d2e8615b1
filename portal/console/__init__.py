"""Django's own commands about accounts, which tell the owners: it is listed before Django's app."""
