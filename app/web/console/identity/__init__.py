"""治理 → 身份, 复核, 医院: who is who, decided by people.

judgements       what a judgement would change; make it, take it back
desk             two who may be one, side by side
desk_answer      what a desk tells its script
differences      what differs between two texts
drawing          an identity graph as a picture
trends           where the figures go
hospitals        institutions with their names
hospital_review  names that mean none
hospital_import  a list from a file
"""
