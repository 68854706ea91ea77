"""Is everything set up as it must be? One finding for each check: what was found, what to do.

examine      every check over the built parts of a process
wrong        True when somebody must act

A check that cannot be carried out is a finding, never a crash. Nothing secret is ever told.
"""

from app.doctor.examination import examine, wrong
from app.doctor.finding import Finding, State, attention, bad, good

__all__ = ["Finding", "State", "attention", "bad", "examine", "good", "wrong"]
