"""The few suggestions of a day. Pure, but for answers.

plan         who gets whom, by prices
attention    what a contact takes from the week, and a brand's share
eligibility  for whom a content is
timing       when somebody acts
way          in which way, by how often each is opened (way_rates)
later        稍后
answers      what reps answer, and what follows for later plans
words        why physicians are left out
"""
