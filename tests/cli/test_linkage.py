"""`yishu identity candidates` and `evaluate` as a person or a script meets them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import identity, linkage
from app.cli.main import command_line
from app.identity import Id, Kind
from app.infra.db import Database, build_engine
from app.infra.errors import Refused
from app.infra.settings import Settings
from app.linkage import LinkCandidate
from tests.cli.command import yishu
from tests.cli.test_commands import environment
from tests.conftest import NOON

__all__ = ["environment"]
PLACE = {
    "hospital": "示例市第一人民医院",
    "department": "心内科",
    "title": "主任医师",
    "city": "示例市",
}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def evaluate(*words: object) -> str:
    done = CliRunner().invoke(command_line("identity"), ["identity", "evaluate", *map(str, words)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    names = ["王晓明", "李建国", "赵静怡", "钱丽娟"]
    rows = [
        {"编号": f"{source}{n}", "姓名": name, "医院": PLACE["hospital"], "科室": PLACE["department"],
         "手机": f"1391234567{n}" if n < 2 else ""}
        for source in "ab" for n, name in enumerate(names)
    ]  # fmt: skip
    truth = [{"编号": row["编号"], "谁": row["编号"][1]} for row in rows]
    return write(tmp_path / "rows.csv", rows), write(tmp_path / "truth.csv", truth)


def test_a_labelled_file_of_physicians_is_linked_and_judged(files: tuple[Path, Path]) -> None:
    records, truth = files
    said = evaluate("--records", records, "--truth", truth, "--map", "编号=id")
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line.split()}
    assert lines["identifiers"][1:3] == ["1.0000", "0.5000"]  # two have a phone
    assert lines["all"][2:5] == ["1.0000", "1.0000", "1.0000"]
    assert "手机 = phone" in said


def test_any_other_file_is_linked_by_what_its_columns_hold(shared: Path, tmp_path: Path) -> None:
    files, labels = [], []
    for side in "ab":
        with (shared / "data" / "linkage" / f"dataset4{side}.csv").open() as file:
            rows = [
                {key.strip(): value for key, value in row.items()}
                for row in csv.DictReader(file, skipinitialspace=True)
                if int(row["rec_id"].split("-")[1]) < 400
            ]
        labels += [{"rec_id": row["rec_id"], "who": row["rec_id"].split("-")[1]} for row in rows]
        files.append(write(tmp_path / f"{side}.csv", rows))
    truth = write(tmp_path / "truth.csv", labels)
    said = evaluate(
        "--records", files[0], "--records", files[1], "--truth", truth, "--single", "--json"
    )

    figures = json.loads(said.splitlines()[-1])["steps"]["all candidates"]
    assert figures["pairwise"]["f1"] > 0.98
    assert figures["over_merges"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--map", "编号=nothing"], "--map"),
        ([], "--map 列名=id"),
        (["--map", "编号=id", "--single"], "来源"),
        (["--map", "姓名=id"], "没有"),
    ],
)
def test_what_cannot_be_evaluated_says_what_to_do(
    files: tuple[Path, Path], words: list[str], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        evaluate("--records", files[0], "--truth", files[1], *words)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_all_physicians_are_compared_and_the_sure_are_joined_once(
    environment: dict[str, str], settings: Settings
) -> None:
    database = Database(build_engine(settings.database_url))
    names = [f"王{a}{b}" for a in "晓建静丽" for b in "明国怡娟"]
    with database.transaction() as session:
        for number, name in enumerate(names):
            for kind in (Kind.CRM_ID, Kind.WECOM_EXTERNAL_USERID):
                (row,) = identity.observe(
                    session, [Id(kind, "x", f"{number}")], event_key=f"{kind}{number}",
                    source="test", at=NOON, now=NOON,
                )  # fmt: skip
                known = PLACE | {"name": name, "hospital": f"示例{name[1:]}医院"}
                identity.describe(session, row, known, source="t", trust=50, at=NOON, now=NOON)
    first = yishu(environment, "identity", "candidates")
    assert (first["physicians"], first["automatic"]) == (32, 16)
    with database.transaction() as session:
        for number in range(8):
            (row,) = identity.observe(
                session, [Id(Kind.OPENID, "x", f"{number}")], event_key=f"o{number}",
                source="test", at=NOON, now=NOON,
            )  # fmt: skip
            known = PLACE | {
                "name": f"{'李张刘陈赵周吴徐'[number]}建明",
                "hospital": f"示例{names[number]}医院",
            }
            identity.describe(session, row, known, source="t", trust=50, at=NOON, now=NOON)
            first_id = row.id
        weights = {"name": {"level": "exact", "bits": 9.0}}
        session.add(
            LinkCandidate(
                a_id=first_id - 1, b_id=first_id, score=1.0, probability=0.6, weights=weights,
                model_version="t", state="rejected", decided_by="u", created_at=NOON,
                updated_at=NOON,
            )
        )  # fmt: skip
    again = yishu(environment, "identity", "candidates", "--train")
    assert (again["physicians"], again["pairs"], again["waiting"]) == (24, 0, 0)
    assert again["decisions"] == {"same": 0, "different": 1}
    with database.reading() as session:
        assert "1 decisions" in linkage.current_model(session).trained_on
    database.engine.dispose()
