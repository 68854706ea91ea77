"""Processes beside the web: worker, scheduler, and the jobs that bells name."""
