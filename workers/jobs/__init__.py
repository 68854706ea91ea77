"""What a bell may name: thin entry points that take ids only. Running one twice is harmless."""
