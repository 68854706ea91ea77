"""What reps say beyond a tap."""
