"""What a bell may name: thin entry points that take ids only. Running one twice is harmless."""

ALLOWED = frozenset(
    {
        "workers.jobs.inbox.drain",
        "workers.jobs.sends.send",
        "workers.jobs.sends.drain",
        "workers.jobs.sends.receipts",
        "workers.jobs.plans.run",
        "workers.jobs.sweep.run",
        "workers.jobs.completeness.pull",
    }
)
