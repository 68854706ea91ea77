"""`yishu doctor`: is everything set up as it must be?"""

from __future__ import annotations

import typer

from app.bootstrap import build
from app.cli.output import Json, quiet, show
from app.doctor import Finding, bad, examine, wrong
from app.infra.errors import Misconfigured


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(doctor)


def doctor(as_json: Json = False) -> None:
    """Check settings, database, Redis, callbacks, platforms, processes and disk; 1 when wrong."""
    findings: list[Finding] = []
    quiet()
    try:
        for finding in examine(build(process="cli")):
            findings.append(finding)
            if not as_json:
                print(finding.line, flush=True)
    except Misconfigured as problem:
        findings.append(bad("settings", str(problem), "按 docs/operations.md 的设置表补全"))
        if not as_json:
            print(findings[-1].line)
    is_wrong = wrong(findings)
    show(
        {"ok": not is_wrong, "checks": [finding.as_json() for finding in findings]},
        "\n有问题需要处理（✗）。" if is_wrong else "\n没有发现问题。",
        as_json,
    )
    if is_wrong:
        raise typer.Exit(1)
