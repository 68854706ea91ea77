"""An invented pharmaceutical company, to play with on a laptop and to test at a lifelike size.

Every person, hospital, product and finding in it is made up, and every content says so.
"""
