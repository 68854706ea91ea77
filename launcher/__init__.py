"""Setting up and running everything on one machine: the engine of the `dev` command."""
