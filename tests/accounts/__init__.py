"""Logins and what seals them."""
