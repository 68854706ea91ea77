"""A rep's contacts in WeCom come, change and go; and what reps write.

contact_added    a rep and a physician are connected
contact_edited   remark, phone, tags
contact_removed  the relation ended
corp_facts       facts about the corp around a physician
sync_contact     a contact as the platform shows it now
rep_messaged     a rep wrote to our app
claim_decided    “not my physician”, decided
renamed          a rep goes by another userid
"""
