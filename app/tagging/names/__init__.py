"""What foreign names of tags mean.

folding     mapped onto the vocabulary, or kept
suggesting  what a name may mean; alike says how likely. Pure
deciding    one click over many names
foldings    what people say that they mean
making      tags that are made of names
carrying    whoever carries a name follows
unfolding   taking back what was decided
fold_looks  what a folding would do, and how far it is
fold_models the tables
"""
