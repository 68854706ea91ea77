"""What becomes of messages, tasks and moments.

ways              which ways lead to a contact
material          what is sent of a content
sent              what follows from an outcome
settle_message    an outcome that an operator tells
stop_sending      what waits must not go out any more
poll_group_tasks  what became of group tasks
task_barred       a group task that may not go on
moments           a moment, step by step
moment_asked      what the platform is asked about it
moment_barred     who may not see it any more
moment_seen       what comes of it
tell_rep          a notice to the rep of one physician, in the words of notices
restored          nothing goes out twice after a restore
"""
