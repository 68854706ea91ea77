"""A policy by the API: written, judged by a worker, tried, rolled back with a reason."""

from __future__ import annotations

from app.accounts import audit_trail
from tests.company import hire
from tests.scenarios.conftest import Line
from workers.concluding import conclude_due

API = {"Authorization": "Bearer setup-token-of-the-tests"}
AT = "/api/v1/policies"


def test_a_policy_by_the_api(line: Line) -> None:
    with line.parts.db.transaction() as session:
        for n in range(4):
            hire(session, f"more{n}", line.clock())
    wrong = line.web.post(AT, json={"name": "大胆", "alpha": 0.5}, headers=API)
    assert (wrong.status_code, "底线" in wrong.text) == (409, True)
    made = line.web.post(AT, json={"name": "只留底线", "floor": 0.02}, headers=API)
    assert (made.status_code, made.json["state"]) == (201, "draft")
    one = f"{AT}/{made.json['version']}"

    def act(what: str, **more: str) -> tuple[int, str]:
        answer = line.web.post(f"{one}/act", json={"what": what} | more, headers=API)
        return answer.status_code, answer.json.get("state", "")

    assert act("try")[0] == 409
    assert act("gate") == (200, "asked")
    assert conclude_due(line.parts) == 1
    judged = line.web.get(one, headers=API).json
    assert (judged["state"], judged["gate"]["basis"]) == ("gated", "bounded")
    assert act("try") == (200, "canary")
    assert 0 < line.web.get(one, headers=API).json["share"] < 1
    assert act("back")[0] == 409, "a reason is asked for"
    assert act("back", reason="代表反映内容太杂") == (200, "rolled_back")
    assert line.web.get(one, headers=API).json["ended"]["text"] == "代表反映内容太杂"

    held = line.web.post(f"{AT}/holdout", json={"holdout": 0.1}, headers=API)
    assert (held.status_code, held.json["state"], held.json["holdout"]) == (201, "live", 0.1)
    versions = line.web.get(AT, headers=API).json["items"]
    assert [v["state"] for v in versions] == ["live", "rolled_back", "retired"]
    lift = line.web.get("/api/v1/lift", headers=API).json
    assert (lift["opened"]["gain"], lift["waiting"]) == (None, {"suggested": 0, "held": 0})
    with line.parts.db.reading() as session:
        done = [e.action for e in audit_trail(session, "plan_policy", made.json["version"])]
    assert done == ["policy.rolled_back", "policy.tried", "policy.gated", "policy.asked",
                    "policy.created"]  # fmt: skip
