"""Everything that came from outside, as one committed row before it is anything else."""
