"""What people ask of a day, of contents and of fairness; all of it is read and nothing written.

day          what was planned for each rep on a day, and what came of it
row          one suggestion with everything that is known about it
tomorrow     what would be planned for a rep now, and who is left out by name
contents     what came of each content
coverage     who is reached, of each group of physicians
people       the names behind a figure
"""
