"""Suggestions: physician × content × way × time with reasons, for one rep."""
