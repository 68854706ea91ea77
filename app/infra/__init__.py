"""Plumbing: settings, database, bell, clock, log, errors and encryption. No product words."""
