"""Our tags in WeCom.

mirror_list     our tags against the corp's own list
corp_tags       that list, as WeCom showed it last
mirrored        which tags are kept equal
marks           which sides of contacts shall carry them, and do
mark_calls      one call for one side
mirror_rules    what follows from a reading of a side. Pure
mirror_people   whom it may concern, a page at a time
mirror_figures  how it stands
mirror_models   the tables
"""
