"""治理 and 运维.

office          inbox, reps, users, tokens, audit
limits          联系规则
sends           发送: what waits for a person's decision
completeness    核对
operations      运维
channels        渠道
claims          归属: “not my physician”
stop_rules      反馈规则
feedback_words  how these two are said
rep_brands      the brands that a rep speaks for
"""
