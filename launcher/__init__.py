"""Setting up and running everything on one machine: the engine of the `dev` command.

`commands` reads the command line, `environment` and `assets` set up with nothing but Python's own
library, `up` runs the product over `embedded` defaults and `processes`.
"""
