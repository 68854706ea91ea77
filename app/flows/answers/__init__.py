"""A rep answers a suggestion, and what follows from it.

card_answered  adopt, later, not suitable
refusal        what else an answer says
pass_on        what was adopted, on its way
"""
