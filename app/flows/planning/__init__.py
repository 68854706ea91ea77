"""A rep's day: who, what, when, and why.

plan_day         the plan of a day
best_first       physicians looked at best first
candidates       who could get what
decide           what goes into each slot
attention        the ledger of physicians' attention
suggest          suggestions, and cards
telling          what is said of each: reasons, way, hour
suggestion_card  the card of a suggestion
card_text        a card says what is true when it leaves
reasons_now      what of the reasons is true when they are read
when             hours of physicians and reps
bad_hours        hours that a rep did not like
near_titles      titles for a reason
recent           one recent thing for a reason
talk_about       what fits to talk about with one physician
what_if          what would be suggested if something were otherwise
"""
