"""人群.

editor         a condition as text or in the builder, with its size
saved          one saved segment
segment_lists  名单 from files
segment_words  how conditions are said
overlap        交并差
"""
