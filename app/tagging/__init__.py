"""The one vocabulary and who asserts what about whom."""
