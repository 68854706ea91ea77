"""Sales reps and the external contacts they are connected with.

ensure_rep, find_rep    reps by WeCom userid
connect, disconnect     relations, brought up to date whatever the order of the news
rep_for, reps_for       whom to turn to for a physician, for many
sides_of                many relations as plain values, for comparing
visible_to, seen_by, may_see, own_among    whom a rep may see
"""

from app.reps.contacts import (
    Met,
    Nearest,
    close_missing,
    connect,
    contacts_of,
    disconnect,
    find_contact,
    hand_over,
    may_see,
    note_added,
    note_chat,
    own_among,
    people_of,
    relations_of,
    rep_for,
    reps_for,
    seen_by,
    visible_to,
)
from app.reps.models import RelationState, Rep, RepContact
from app.reps.people import (
    MOST_A_DAY,
    active_reps,
    come_back,
    ensure_rep,
    find_rep,
    get_rep,
    leave,
    reps_by_id,
    set_day,
    step_aside,
)
from app.reps.remark import attributes_in, name_in
from app.reps.scope import brands_of, brands_of_all, set_brands
from app.reps.sides import Side, sides_of

__all__ = [
    "MOST_A_DAY",
    "Met",
    "Nearest",
    "RelationState",
    "Rep",
    "RepContact",
    "Side",
    "active_reps",
    "attributes_in",
    "brands_of",
    "brands_of_all",
    "close_missing",
    "come_back",
    "connect",
    "contacts_of",
    "disconnect",
    "ensure_rep",
    "find_contact",
    "find_rep",
    "get_rep",
    "hand_over",
    "leave",
    "may_see",
    "name_in",
    "note_added",
    "note_chat",
    "own_among",
    "people_of",
    "relations_of",
    "rep_for",
    "reps_by_id",
    "reps_for",
    "seen_by",
    "set_brands",
    "set_day",
    "sides_of",
    "step_aside",
    "visible_to",
]
