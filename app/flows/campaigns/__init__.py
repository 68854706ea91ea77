"""A push over several domains.

audience          whom it can reach now, and why not the others
preview_campaign  what it would do
carry_out         a schedule's run
run_campaign      the run of a push
stop_campaign     paused or ended
approve_content   a new version of its content
take_over         a version in the place of the one before it
withdraw_content  a content that may not be used any more
"""
