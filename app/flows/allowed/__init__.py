"""Whether somebody may be contacted now, through whom, and with which contents.

permission     the facts that `consent.may_contact` decides on
eligible       which contents may go to whom
content_terms  the terms of all contents, compiled
history        what was suggested and sent lately
moment_had     what moments have shown
reached        when a physician was contacted
own_day        a rep's suggestions of one day, of own physicians only
still_allowed  asked again whenever a list is shown
terms_changed  whom it concerns that terms are otherwise
"""
