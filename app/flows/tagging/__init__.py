"""The vocabulary and tags over several domains.

vocabulary          merge, split, back again
vocabulary_columns  how it stands in a table
vocabulary_export   as a file
vocabulary_import   from a file
fold_names          many names with one click
name_suggestions    what names may mean
tag_uses            where a tag is used
tag_cards           a tag leaves the cards that wait
import_tags         tags of physicians from a tool's file
import_work         taking such files in the background
undo_tags           taking one back
mirror_plan         who shall carry which tag in WeCom
mirror_tags         the tags themselves in WeCom
mirror_marks        writing marks to WeCom
"""
