"""The outbox: every message that leaves us, written down before it is sent."""
