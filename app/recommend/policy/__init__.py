"""How suggestions are chosen, tried, judged. Pure, but for policies.

policies       the life of a policy; policy_models keeps it, and decisions
explore        trying what may be better
drawing        one content for a slot, with exact chances
normals        normal numbers by name
ope            what another policy would have brought
gate           may it be tried on people
canary         a trial, judged every night
lift           what suggestions add
shares         shares with intervals
"""
