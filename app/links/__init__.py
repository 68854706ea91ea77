"""Tracked links and their page views, and the QR codes through which physicians arrive."""
