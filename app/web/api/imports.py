"""POST /imports/physicians: a CSV or XLSX file; every rejected row with line and reason."""

from __future__ import annotations

from flask import Response, jsonify, request
from werkzeug.exceptions import BadRequest

from app import accounts
from app.accounts.models import Role
from app.flows import import_physicians
from app.web import auth
from app.web.api import bp
from app.web.context import parts
from app.web.policy import allow

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.post("/imports/physicians")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def import_file() -> tuple[Response, int]:
    """The file as multipart field `file`, or as the whole body."""
    filename, data = _uploaded()
    sheet = import_physicians.read(filename, data)
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        now = here.clock()
        batch = import_physicians.apply(session, filename, data, sheet, actor=who.key, now=now)
        accounts.audit(
            session, who.key, "physicians.imported", "import", batch.id, now=now,
            accepted=batch.accepted, rejected=batch.rejected,
        )  # fmt: skip
    told = {
        "id": batch.id,
        "rows": batch.rows,
        "accepted": batch.accepted,
        "rejected": [rejection.as_json() for rejection in sheet.rejected],
    }
    return jsonify(told), 201


def _uploaded() -> tuple[str, bytes]:
    upload = request.files.get("file")
    if upload is not None:
        return upload.filename or "upload.csv", upload.read()
    data = request.get_data()
    if not data:
        raise BadRequest("Send the file as multipart field `file` or as the body.")
    spreadsheet = request.mimetype == XLSX_TYPE or data.startswith(b"PK\x03\x04")
    return ("upload.xlsx" if spreadsheet else "upload.csv"), data
