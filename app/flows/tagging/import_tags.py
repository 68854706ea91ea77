"""Tags of physicians from a marketing tool's CSV or XLSX file: who by phone, unionid, CRM id or
licence, and names of tags in one or more columns.

    upload = keep(session, …)                  the file, read but not taken
    look(session, upload, columns)             what taking it would do
    apply(db, upload_id, columns, …)           take it, a few physicians at a time

A file is all that its tool says of the physicians in it: a name that is gone is superseded, and
nobody who is not in it changes. Whoever we do not know is told line by line and not invented, so
the same file can be taken again when the physicians are there. What it changed is kept, so that
`undo_tags` can take it back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from app import accounts, identity, tagging
from app.flows.identity.import_physicians import KNOWN
from app.identity import Identifier, Kind
from app.infra.db import Database, insert_once
from app.infra.errors import NotFound, Refused
from app.infra.table_file import read_table
from app.tagging import Source, TagImport, TagImportChange, TagImportWork, naming
from app.tagging.models import TagAssertion, TagRefused, TagSighting

MAX_ROWS, SLICE = 50_000, 20
STALE = timedelta(days=1)  # an upload that nobody confirmed
IDS = {"licence_no": Kind.LICENCE_NO, "crm_id": Kind.CRM_ID, "unionid": Kind.UNIONID,
       "phone": Kind.PHONE}  # fmt: skip
MEANINGS = (*IDS, "tags")
_SIGNS = re.compile(r"[\W_]+")
FORBIDDEN_COLUMNS = ("处方", "统方", "prescription")
Columns = Mapping[int, str]
"""Number of a column → what it holds, of MEANINGS."""
Tell = Callable[[int, int], None]
"""Is told of how many physicians of how many it is done."""


@dataclass(slots=True)
class Looked:
    """What taking a file does. `remarks`: (line, why) of rows that are left out."""

    rows: int = 0
    physicians: int = 0
    known: int = 0  # names that mean a tag, as often as they are carried
    waiting: dict[str, int] = field(default_factory=dict)  # names that will wait, with carriers
    remarks: list[tuple[int, str]] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, int]:
        """As numbers."""
        return {"rows": self.rows, "physicians": self.physicians, "known": self.known,
                "waiting": len(self.waiting), "left_out": len(self.remarks)}  # fmt: skip


def keep(
    session: Session, filename: str, data: bytes, *, tool: str, actor: str, now: datetime
) -> TagImport:
    """Read a file and keep it. Raises Refused when nothing of it can be used."""
    table = [[cell.strip() for cell in row] for row in read_table(filename, data)]
    if len(table) < 2:
        raise Refused("文件里没有数据：第一行是列名，从第二行起是医生。")
    if len(table) > MAX_ROWS + 1:
        raise Refused(f"一次最多导入 {MAX_ROWS:,} 行，请拆分后再上传。")
    banned = next((c for c in table[0] for w in FORBIDDEN_COLUMNS if w in c.lower()), "")
    if banned:
        raise Refused(f"文件包含“{banned}”列。不得采集医生个人的处方量，整个文件没有导入。")
    drop_stale(session, now)
    upload = TagImport(
        filename=filename[:200], tool=tool_key(tool), table=table, figures={},
        actor=actor, at=now,
    )  # fmt: skip
    session.add(upload)
    session.flush()
    return upload


def drop_stale(session: Session, now: datetime) -> None:
    """Uploads that nobody confirmed go, with all that they hold."""
    session.execute(delete(TagImport).where(_is_stale(now)))


def are_stale(session: Session, now: datetime) -> bool:
    """Whether there are such uploads."""
    return session.scalar(select(TagImport.id).where(_is_stale(now)).limit(1)) is not None


def taken(session: Session, limit: int) -> Sequence[TagImport]:
    """Files that were taken, newest first."""
    done = select(TagImport).where(TagImport.applied_at.is_not(None))
    newest = done.order_by(TagImport.applied_at.desc(), TagImport.id.desc())
    return session.scalars(newest.limit(limit)).all()


def tool_key(name: str) -> str:
    """One spelling of a tool's name: letters and digits of any script, and hyphens. So it stands
    for itself only, wherever what a tool says is looked up."""
    return _SIGNS.sub("-", naming.fold(name)).strip("-")[:40] or "default"


def guess(header: Sequence[str]) -> dict[int, str]:
    """What the columns hold, by their names."""
    found = {}
    for number, name in enumerate(header):
        meaning = KNOWN.get(name.strip().lower(), "")
        if meaning in MEANINGS:
            found[number] = meaning
        elif "标签" in name or "tag" in name.lower():
            found[number] = "tags"
    return found


def look(session: Session, upload: TagImport, columns: Columns) -> Looked:
    """What taking it would do; writes nothing. Raises Refused for columns that cannot do."""
    return _read(session, upload, columns)[0]


def check(columns: Columns) -> None:
    """Raises Refused for columns that cannot do."""
    meanings = set(columns.values())
    if "tags" not in meanings or not meanings & IDS.keys():
        raise Refused("请指明哪一列是标签，以及哪一列是手机、unionid、CRM 编号或执业证号。")


def apply(
    db: Database, upload_id: int, columns: Columns, *, actor: str, now: datetime,
    tell: Tell = lambda _done, _total: None,
) -> Looked:  # fmt: skip
    """Take it. Raises NotFound, Refused; done twice it is an error and changes nothing. Broken off,
    as by what `tell` raises, it may be begun again."""
    with db.reading() as session:
        upload = wanted(session, upload_id)
        done, carried = _read(session, upload, columns)
    people = sorted(carried)
    for start in range(0, len(people), SLICE):
        tell(start, len(people))
        piece = people[start : start + SLICE]
        with db.transaction() as session:
            alone(session, upload.tool)
            wanted(session, upload_id)
            for person in sorted({*piece, *_also(session, piece)}):
                names = {raw: f"市场工具标签「{raw}」" for raw in carried.get(person, ())}
                _note(session, upload, person, names)
                say(session, upload.tool, person, names, now)
    with db.transaction() as session:
        kept = session.get_one(TagImport, upload_id, with_for_update=True)
        kept.applied_at, kept.figures, kept.table = now, done.figures, []
        accounts.audit(session, actor, "tags.imported", "tag_import", upload_id, now=now)
    return done


def alone(session: Session, tool: str) -> None:
    """One at a time changes what a tool says, so that each finds what the one before left."""
    of_tool = select(TagImport.id).where(TagImport.tool == tool)
    session.scalar(of_tool.order_by(TagImport.id).limit(1).with_for_update())


def wanted(session: Session, upload_id: int) -> TagImport:
    """The file, as long as nobody has taken it whole. Raises NotFound."""
    upload = session.get(TagImport, upload_id)
    if upload is None or upload.applied_at is not None:
        raise NotFound("没有这个文件，或它已经导入过了，请重新上传。")
    return upload


def say(
    session: Session,
    tool: str,
    person: int,
    names: Mapping[str, str],
    now: datetime,
    since: Mapping[str, datetime] | None = None,
) -> None:
    """Make what a tool says of an identifier equal to `names` (name → evidence); those of `since`
    (folded) hold as they did then."""
    tagging.take_names(
        session, person, source=Source.MARKETING, scope=f"tool:{tool}", names=names, at=now,
        now=now, since=since,
    )  # fmt: skip


def _note(session: Session, upload: TagImport, person: int, names: Iterable[str]) -> None:
    """What the tool said and says of the person, as far as this file was not taken before."""
    before = tagging.names_of(session, person, Source.MARKETING, f"tool:{upload.tool}")
    values = {
        "import_id": upload.id, "identifier_id": person, "names": sorted(map(naming.fold, names)),
        "before": {raw: [words, at.isoformat()] for raw, (words, at) in before.items()},
    }  # fmt: skip
    insert_once(session, TagImportChange, values, "import_id", "identifier_id")


def _read(
    session: Session, upload: TagImport, columns: Columns
) -> tuple[Looked, dict[int, set[str]]]:
    """(figures, identifier → names)."""
    check(columns)
    looked, carried = Looked(rows=len(upload.table) - 1), defaultdict[int, set[str]](set)
    known: dict[str, int] = {}  # ONE ID → the identifier by which the file names it first
    for line, cells in enumerate(upload.table[1:], start=2):
        row = [(columns[n], cell) for n, cell in enumerate(cells) if n in columns and cell]
        names = {name for meaning, cell in row if meaning == "tags" for name in _split(cell)}
        banned = next(filter(None, (tagging.why_forbidden(session, name) for name in names)), "")
        if banned:
            looked.remarks.append((line, banned))
            continue
        person = _person(session, row)
        if isinstance(person, str):
            looked.remarks.append((line, person))
        else:
            carried[known.setdefault(person.one_id, person.id)] |= names
    looked.physicians = len(carried)
    _count(session, looked, carried)
    return looked, carried


def _is_stale(now: datetime) -> ColumnElement[bool]:
    begun = exists().where(TagImportChange.import_id == TagImport.id)  # broken off: may be gone on
    asked = exists().where(TagImportWork.import_id == TagImport.id, TagImportWork.problem == "")
    return and_(TagImport.applied_at.is_(None), TagImport.at < now - STALE, ~begun, ~asked)


def _also(session: Session, people: Sequence[int]) -> Sequence[int]:
    """Other identifiers of the same physicians, by which a tool has said something before."""
    other = aliased(Identifier)
    said = [
        select(table.identifier_id)
        .where(table.identifier_id == other.id, table.source == Source.MARKETING)
        .exists()
        for table in (TagAssertion, TagSighting, TagRefused)
    ]
    return session.scalars(
        select(other.id)
        .join(Identifier, Identifier.one_id == other.one_id)
        .where(Identifier.id.in_(people), other.id.not_in(people), or_(*said))
        .distinct()
    ).all()


def _person(session: Session, row: Sequence[tuple[str, str]]) -> Identifier | str:
    """The identifier of the strongest kind, or why there is none."""
    said = dict(row)
    named = [(kind, said[name]) for name, kind in IDS.items() if name in said]
    for kind, text in named:
        one = identity.make_id(kind, text)
        found = identity.find(session, one) if one is not None else None
        if found is not None:
            return found
    return "没有认识的医生：先导入医生，再导入这个文件" if named else "没有手机、unionid 或编号"


def _count(session: Session, looked: Looked, carried: Mapping[int, set[str]]) -> None:
    meanings = tagging.LEXICON.of(session)
    for names in carried.values():
        for raw in names:
            if meanings.meaning(Source.MARKETING, naming.fold(raw)) is not None:
                looked.known += 1
            else:
                looked.waiting[raw] = looked.waiting.get(raw, 0) + 1


def _split(text: str) -> list[str]:
    for mark in "；,，、|/":
        text = text.replace(mark, ";")
    return [part.strip()[: naming.LONGEST] for part in text.split(";") if part.strip()]
