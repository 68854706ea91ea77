"""One script per promise, each beside what one would use without us."""
