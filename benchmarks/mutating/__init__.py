"""Altering real databases behind the service's back, to see what `audit verify` makes of it."""
