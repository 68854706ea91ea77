"""`yishu tags`: out, changed in a spreadsheet, in again, and back."""

from __future__ import annotations

from pathlib import Path

from app import identity, tagging
from app.identity import Id, Kind
from app.infra.db import Database
from tests.cli.command import cold, run, yishu
from tests.cli.test_commands import environment
from tests.conftest import NOON

__all__ = ["environment"]


def test_out_changed_in_and_back(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
    file = tmp_path / "v.csv"
    told = yishu(environment, "tags", "export", str(file))
    assert told["version"] == 1
    assert yishu(environment, "tags", "import", str(file))["applied"] is False
    text = file.read_text(encoding="utf-8-sig")
    file.write_text(text.replace("经常诊治冠心病", "以冠心病为主", 1), encoding="utf-8")
    assert yishu(environment, "tags", "import", str(file), "--dry-run")["changes"]
    assert yishu(environment, "tags", "import", str(file))["version"] == 2
    shown = run(environment, "tags", "versions", "--diff", "1:2")
    assert "meaning" in shown.stdout
    assert yishu(environment, "tags", "versions", "--back-to", "1")["version"] == 3
    kinds = [one["kind"] for one in yishu(environment, "tags", "versions")["items"]]
    assert kinds == ["rollback", "import", "start"]
    file.write_text(text.replace("冠心病", "房颤", 1), encoding="utf-8")
    wrong = cold(environment, "tags", "import", str(file))
    assert wrong.returncode == 1
    assert "房颤" in wrong.stdout
    for words, sentence in (
        (("export", str(tmp_path / "v.doc")), ".xlsx"), (("versions", "--undo", "1"), "第一个版本"),
        (("import", str(tmp_path / "none.csv")), "cannot be read"),
        (("versions", "--diff", "1-2"), "two numbers"),
    ):  # fmt: skip
        done = run(environment, "tags", *words)
        assert (done.returncode, sentence in done.stderr) == (1, True), done


def test_an_import_is_listed_and_taken_back_once(
    environment: dict[str, str], database: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        one = Id(Kind.LICENCE_NO, "", "110000000012345")
        identity.observe(session, [one], event_key="t", source="crm", at=NOON, now=NOON)
    file = tmp_path / "m.csv"
    file.write_text("执业证号,标签\n110000000012345,房颤\n")
    assert yishu(environment, "tags", "take", str(file), "--dry-run")["id"] is None
    number = str(yishu(environment, "tags", "take", str(file), "--tool", "mail")["id"])
    (listed,) = yishu(environment, "tags", "taken")["items"]
    assert (str(listed["id"]), listed["tool"], listed["undone_at"]) == (number, "mail", None)
    why = ("--reason", "传错了文件")
    asked = run(environment, "tags", "untake", number, *why)
    assert (asked.returncode, "1 位医生" in asked.stdout) == (1, True), asked
    told = {"id": int(number), "back": 1, "kept": 0}
    for _ in range(2):
        assert yishu(environment, "tags", "untake", number, *why) == told
    assert yishu(environment, "tags", "taken")["items"][0]["undone_at"]
