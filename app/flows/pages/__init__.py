"""What physicians do on our pages.

page_read       a content was opened or read
preferences     what is decided on a content page
own_page        what the own page shows
own_choices     what is changed there
own_record      what is downloaded there
stop_or_resume  one word that stops everything, or lets us go on
meetings        answers to a meeting
meeting_changed another time or place, or off
"""
