"""医生.

people   search, and the page of one physician
what_if  what would be suggested if something were otherwise
because  how reasons are given
"""
