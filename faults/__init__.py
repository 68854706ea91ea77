"""What must hold when any part dies at any moment, tried on real processes.

company     invented ids and people, for the simulated platforms and for the product
workload    what people do, with the effect that each event must have
platform    the sandbox as a process of its own: knobs before it, a watched world inside
control     its other end
sender      plays the platforms: time-outs, retries, duplicates, reordering; posting: its requests
servers     one process or server that can be killed, stopped and started again
nursery     starts processes fast
stores      database and Redis of one run, perhaps behind a proxy
cluster     all processes of one run, the kill log, the people who restart what died
folders     where runs keep their files, and that none is left behind
ledger      what the database says happened, kept by triggers beside the product's tables
invariants  I1–I10, from database, platform and sender
classes     F1–F16, one function each: kills, away, trouble, stories
report      the table, and the command that runs a failing seed again
"""
