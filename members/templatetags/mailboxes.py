"""`{{ user.email|readable }}`: an address with its domain as people write it."""

from django import template

from common import addresses

register = template.Library()
register.filter("readable", addresses.readable)
