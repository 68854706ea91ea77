"""What must hold when any part dies at any moment, tried on real processes.

company     invented ids and people, for the simulated platforms and for the product
workload    what people do, with the effect that each event must have
platform    the sandbox as a process of its own, with fault knobs and a ledger of deliveries
sender      plays the platforms: signed callbacks, time-outs, retries, duplicates, reordering
servers     one process or server that can be killed, stopped and started again
cluster     all processes of one run, the kill log, the people who restart what died
proxy       a TCP proxy that drops, delays and resets
ledger      what the database says happened, kept by triggers beside the product's tables
invariants  I1–I10, from database, platform and sender
classes     F1–F14, one function each
report      the table, and the command that runs a failing seed again
"""
