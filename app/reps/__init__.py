"""Sales reps and the external contacts they are connected with."""
