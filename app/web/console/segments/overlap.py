"""人群 → 交并差: two to five audiences over each other, each region with names and to be saved."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import gettext as _

from app import segments
from app.infra.errors import Refused
from app.segments import Unparseable
from app.segments.overlap import MOST
from app.segments.wording import named
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow


@bp.get("/segments/overlap")
@allow(*STAFF)
def overlap() -> str:
    """`s`: names of saved segments, `e`: expressions."""
    here, problem, found = parts(), "", None
    chosen = list(dict.fromkeys(request.args.getlist("s")))
    own = [text.strip() for text in request.args.getlist("e") if text.strip()]
    texts = [_("人群:%(name)s", name=named(name)) for name in chosen] + own
    asked = bool(request.args.keys() & {"s", "e"})
    with here.db.reading() as session:
        try:
            found = segments.overlap(session, texts, here.clock()) if asked else None
        except (Unparseable, Refused) as told:
            problem = str(told)
        return render_template(
            "console/segments/overlap.html",
            saved=segments.saved.listing(session), chosen=chosen, own=own,
            labels=chosen + own, found=found, problem=problem, most=MOST, title_of=_title,
        )  # fmt: skip


def _title(inside: tuple[bool, ...], labels: list[str]) -> str:
    """`只在“A”`, `都在`, `“A” 和 “B”，不在其他`."""
    names = [f"“{label}”" for label, is_in in zip(labels, inside, strict=True) if is_in]
    if all(inside):
        return str(_("都在"))
    if len(names) == 1:
        return str(_("只在 %(name)s", name=names[0]))
    return str(_("只在 %(names)s", names=" + ".join(names)))
