"""What answers teach, worked out at night. Needs numpy, but for heads.

heads       what an answer means for each question
wanted      answers as arrays
learning    tag crosses
laplace     how unsure they are
neighbours  which contents the same physicians open
descent     the least value of a convex function
"""
