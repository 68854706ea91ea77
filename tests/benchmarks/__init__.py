"""Benchmarks that run small: they must work when somebody needs them."""
