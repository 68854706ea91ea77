"""What followers of the Official Account do.

followed           somebody follows, or scanned a code again
unfollowed         somebody left: the account's data goes
follower_messaged  a follower wrote
spoken             what such words want
menu_used          the account's menu
own_link           the link to the own page
oa_results         results of our messages
follower           what these stories share
"""
