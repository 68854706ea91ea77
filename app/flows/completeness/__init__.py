"""Looking ourselves for what no callback told.

reconcile            one call at a time
reconcile_contacts   a rep's contacts
reconcile_followers  followers of an Official Account
reconcile_tags       tags and reps
reconcile_tell       differences into the inbox
reconcile_note       each happening once, whoever tells it
"""
