"""内容.

library        write, submit, approve, withdraw
content_terms  for whom a content is
"""
