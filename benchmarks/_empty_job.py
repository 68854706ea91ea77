"""What the peers of `benchmarks.worker` do for each event: nothing."""


def nothing() -> None:
    """Nothing."""
