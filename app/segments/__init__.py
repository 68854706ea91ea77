"""Saved audiences."""
