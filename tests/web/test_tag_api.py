"""/api/v1/tag-names and /api/v1/tag-mirror: what the console can do, for systems."""

from __future__ import annotations

from tests.flows.test_imported_tags import take_in
from tests.scenarios.conftest import Line, line

__all__ = ["line"]
HEADERS = {"Authorization": "Bearer setup-token-of-the-tests"}


def test_names_are_listed_decided_and_undone(line: Line) -> None:
    take_in(line.parts.db, "房颤重点患者;老朋友")
    listed = line.web.get("/api/v1/tag-names", headers=HEADERS).json
    (name, other) = sorted(listed["items"], key=lambda item: item["name"] != "房颤重点患者")
    assert name["suggestions"][0]["tag"] == "af"
    assert name["suggestions"][0]["confident"]
    assert other["suggestions"] == []
    body = {
        "how": "fold",
        "names": [{"id": name["id"], "tag": "af"}, {"id": other["id"], "tag": "no"}],
    }
    done = line.web.post("/api/v1/tag-names/decisions", json=body, headers=HEADERS)
    assert (done.status_code, done.json["number"], len(done.json["refused"])) == (201, 1, 1)
    (row,) = line.web.get("/api/v1/tag-names/decisions", headers=HEADERS).json["items"]
    assert (row["tag"], row["people"], row["undone_at"]) == ("af", 1, None)
    batch = f"/api/v1/tag-names/decisions/{row['batch']}"
    told = {"batch": row["batch"], "number": 1, "left": 0, "undone": 0}
    assert line.web.get(batch, headers=HEADERS).json == told
    assert line.web.get(f"{batch}0", headers=HEADERS).status_code == 404
    undone = line.web.post("/api/v1/tag-names/undo", json={"batch": row["batch"]}, headers=HEADERS)
    assert undone.json["number"] == 1
    again = line.web.get("/api/v1/tag-names", headers=HEADERS).json
    assert {item["name"] for item in again["items"]} == {"房颤重点患者", "老朋友"}
    file = "执业证号,标签\n110000000012345,心衰\n".encode()
    looked = line.web.post("/api/v1/tag-names/imports?dry_run=1", data=file, headers=HEADERS).json
    taken = line.web.post("/api/v1/tag-names/imports?tool=x", data=file, headers=HEADERS).json
    assert looked | {"id": taken["id"]} == taken
    assert (looked["id"], taken["physicians"], taken["known"]) == (None, 1, 1)
    undo = f"/api/v1/tag-names/imports/{taken['id']}/undo"
    assert line.web.post(undo, json={}, headers=HEADERS).status_code == 400
    for _ in range(2):
        back = line.web.post(undo, json={"reason": "错了"}, headers=HEADERS).json
        assert back == {"id": taken["id"], "back": 1, "kept": 0}


def test_a_tag_is_mirrored_by_call(line: Line) -> None:
    chosen = line.web.post(
        "/api/v1/tag-mirror", json={"tag": "af", "mirrored": True}, headers=HEADERS
    )
    assert chosen.json == {"tag": "af", "mirrored": True}
    told = line.web.get("/api/v1/tag-mirror", headers=HEADERS).json
    assert (told["tags"], told["items"][0]["state"]) == (1, "planned")
    assert line.web.post("/api/v1/tag-mirror/repair", headers=HEADERS).json == {"number": 0}
    wrong = line.web.post(
        "/api/v1/tag-mirror", json={"tag": "no", "mirrored": True}, headers=HEADERS
    )
    assert wrong.status_code == 404
