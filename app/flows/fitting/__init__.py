"""How well contents fit physicians: worked out by night, read by day.

scoring       the scorer of the moment
interests     what physicians are interested in
basis         what everybody's scores go by
nights        working out everybody's rows
fits_many     the rows of many at once
fits          the best contents of physicians, from rows or on the spot
best_content  the best for one physician
"""
