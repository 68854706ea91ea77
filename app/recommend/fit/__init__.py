"""How well contents fit a physician, and why. Pure, but for what is kept.

scoring     the score, with its parts
response    what answers have taught about it, and what day 0 knows
near        what was opened speaks for other contents
reading     interest from how often was opened
spread      how unsure each learned number is
kept        the newest of what was learned
table       the scorer as arrays (numpy)
kernel      the best of millions (numpy, numba), with its loops
fit_rows    a physician's best as a short row; fit_models keeps it
explain     reasons, in the sentences of forms
"""
