"""What answers teach, and how policies are judged.

learn_tonight  a night's learning
learn          the scorer by tags
learn_near     what the same physicians open
shown          what reps were shown, and what came of it
decided        what was decided, and what came of it
gating         a policy before the gate
trial          a policy on trial
policy_acts    what people do with policies
lifting        what suggestions add
rule_decided   a rule that a rep's words proposed
"""
