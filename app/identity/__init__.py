"""ONE ID: identifiers, the evidence that links them, and the physicians that result.

Id, make_id        an identifier, normalised
observe, recognise    several identifiers were seen together: link them, once per event
recognise_many, Told    the same for many sentences, in a few statements
describe           what a source says about a person: name, hospital …
find, get_physician, identifiers_of, resolve_one_id
search             by name, hospital, phone, licence number or ONE ID
merge, keep_apart, block, retract, preview, judgements    of people, exactly undoable
anchor             the identifier that stands for a person in a judgement
graph              one person's identifiers and what links them, to be drawn
explain            the chain of evidence between two identifiers, in words
is_sure            nobody else's WeChat can be among this person's
value_hash         the blind index under which an identifier is found
forget             erase what we know through one identifier
rebuild, components_after    compute again from the evidence, all or piece by piece
doubtful           which are to be computed again, all at one look, where scipy is
institutions       which institution physicians work at (a module)
changed            of whom something has changed, for answers that are kept ready (a module)
news               what has happened to whom, for rules that conclude from it (a module)
quality            how good all this is, in figures (a module)
as_of              who was one person at a moment
version, change_of    which state of who is who a report is about
"""

from app.identity import bulk, changed, institutions, news, quality
from app.identity.doubtful import Doubtful, doubtful
from app.identity.explain import Step, explain, is_sure
from app.identity.forget import forget
from app.identity.graph import Graph, graph
from app.identity.history import as_of, change_of, version
from app.identity.judge import (
    Preview,
    anchor,
    block,
    judgements,
    keep_apart,
    merge,
    preview,
    retract,
)
from app.identity.models import Identifier, Kind, Override, Physician
from app.identity.normalise import Id, make_id
from app.identity.profile import ATTRIBUTES, describe
from app.identity.register import AnIdentifier, Known, value_hash
from app.identity.resolve import (
    Told,
    components_after,
    observe,
    rebuild,
    recognise,
    recognise_many,
)
from app.identity.search import (
    WEAK,
    conflicts_of,
    find,
    get_physician,
    identifiers_of,
    identifiers_of_many,
    keys_fit,
    open_conflicts,
    owners,
    physicians_by_id,
    resolve_one_id,
    search,
    values_of,
)

__all__ = [
    "ATTRIBUTES",
    "WEAK",
    "AnIdentifier",
    "Doubtful",
    "Graph",
    "Id",
    "Identifier",
    "Kind",
    "Known",
    "Override",
    "Physician",
    "Preview",
    "Step",
    "Told",
    "anchor",
    "as_of",
    "block",
    "bulk",
    "change_of",
    "changed",
    "components_after",
    "conflicts_of",
    "describe",
    "doubtful",
    "explain",
    "find",
    "forget",
    "get_physician",
    "graph",
    "identifiers_of",
    "identifiers_of_many",
    "institutions",
    "is_sure",
    "judgements",
    "keep_apart",
    "keys_fit",
    "make_id",
    "merge",
    "news",
    "observe",
    "open_conflicts",
    "owners",
    "physicians_by_id",
    "preview",
    "quality",
    "rebuild",
    "recognise",
    "recognise_many",
    "resolve_one_id",
    "retract",
    "search",
    "value_hash",
    "values_of",
    "version",
]
