"""Foreign protocols: one folder per outside system, with the same file names inside.

crypto      (pure) the receiver of callbacks: verify, decrypt
translate   (pure) payloads into facts
errors      what the system's error codes ask us to do
client      calls out, over a line of its own that adds tokens and types errors
"""
