"""POST /imports/physicians: a CSV or XLSX file; every rejected row with line and reason."""

from __future__ import annotations

import time

from flask import Response, jsonify, request
from werkzeug.exceptions import BadRequest

from app import accounts, tagging
from app.flows.identity import import_physicians
from app.web import auth
from app.web.api import bp
from app.web.api.asking import answers
from app.web.context import parts
from app.web.policy import IMPORTERS, allow

LET_OTHERS_WRITE_S = 0.11  # whoever waits for SQLite's lock looks again after at most 0.1 s


@bp.post("/imports/physicians")
@answers(201, file=True)
@allow(*IMPORTERS, token=True)
def import_file() -> tuple[Response, int]:
    """The file as multipart field `file`, or as the whole body."""
    filename, data = uploaded()
    here, who = parts(), auth.actor()
    with here.db.reading() as session:
        forbidden = tagging.forbidden(session)
    sheet = import_physicians.read(filename, data, forbidden)
    now = here.clock()
    with here.db.transaction() as session:
        batch = import_physicians.begin(session, filename, sheet, actor=who.key, now=now)
        accounts.audit(
            session, who.key, "physicians.imported", "import", batch.id, now=now,
            accepted=len(sheet.rows), rejected=len(sheet.rejected),
        )  # fmt: skip
    one_writer = here.db.engine.dialect.name == "sqlite"
    for number, rows in enumerate(import_physicians.slices(sheet)):
        if number and one_writer:
            time.sleep(LET_OTHERS_WRITE_S)
        with here.db.transaction() as session:
            import_physicians.take(session, batch.id, rows, digest=sheet.digest, now=now)
    told = {
        "id": batch.id,
        "rows": batch.rows,
        "accepted": len(sheet.rows),
        "rejected": [rejection.as_json() for rejection in sheet.rejected],
        "ignored_columns": sheet.ignored,
    }
    return jsonify(told), 201


def uploaded() -> tuple[str, bytes]:
    """Name and bytes of the file of this request. Raises 400 without one."""
    if request.mimetype == "multipart/form-data":
        upload = request.files.get("file")
        if upload is not None:
            return upload.filename or "upload", upload.read()
    # curl calls any body a form; what is read as a form is no body any more
    data = b"" if request.mimetype == "multipart/form-data" else request.get_data()
    if not data:
        raise BadRequest("Send the file as multipart field `file` or as the body.")
    return "upload", data
