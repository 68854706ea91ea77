"""标签.

tree           the vocabulary, and one tag
tag_words      how changes of it are said
tag_moves      a tag becomes another, or parts of it go elsewhere
tag_versions   versions, differences, and back
tag_files      the vocabulary as a file; branches, forbidden words
tag_names      归并: names that wait
tag_imports    a tool's file
tag_rules      自动标签
rule_form      a rule as a form
court          仲裁: what contradicts itself
court_words    how it is said
truth          真实度 of tags by source
coverage       what has no content
tag_mirror     企微同步
"""
