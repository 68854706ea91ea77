"""Audiences over several domains.

audiences  saved segments and lists with all who use them
list_file  a list from a file
"""
