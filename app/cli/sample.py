"""`yishu sample`: the invented company."""

from __future__ import annotations

import sys

import typer

from app.bootstrap import build
from app.cli.output import Json, show
from app.sample.load import load as load_company


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="The invented company of the demonstration.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command()(load)
    cli.add_typer(group, name="sample")


def load(as_json: Json = False) -> None:
    """Load the invented company, unless it is there already."""
    done = load_company(build(process="cli"), lambda text: print(f"  … {text}", file=sys.stderr))
    names = "、".join(f"{one['login']}（{one['role']}）" for one in done["logins"])
    show(done, f"示例公司已就绪。登录：{names}，密码 {done['password']}", as_json)
