"""What a night of learning has found, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WHY_NOT = {
    "few openings": "打开记录还太少",
    "no sure gain": "没有让预测明显更准",
}


def told(figures: Mapping[str, Any]) -> str:
    """The figures of a `Response`: what is used, how right each question is, and neighbours."""
    text = f"共有 {figures['answers']:,} 条回答。"
    if figures["used"] == "day 0":
        text += "仍按标签推荐：" + (
            "回答还太少。" if "why" in figures else "学到的结果没有比标签更准。"
        )
    else:
        text += "从现在起按学到的结果推荐。"
    lines = [text]
    if near := figures.get("near"):
        lines.append(_neighbours(near))
    lines += [_head(name, one) for name, one in figures.get("heads", {}).items()]
    return "\n".join(lines)


def _neighbours(near: Mapping[str, Any]) -> str:
    text = f"“读过…的医生也常读”：{near['openings']:,} 次打开，"
    text += "已采用" if near["in"] else f"没有采用（{WHY_NOT[near['why']]}）"
    if "log_loss_saved" in near:
        text += f"；log loss saved {_interval(near['log_loss_saved'])}"
    return text + "。"


def _head(name: str, one: Mapping[str, Any]) -> str:
    figures = ", ".join(f"{key} {_interval(one[key])}" for key in ("ece", "brier", "slope"))
    return f"{name}: {one['held_out']:,} held out, log loss {one['log_loss']}, {figures}"


def _interval(figure: Sequence[float]) -> str:
    value, low, high = figure
    return f"{value} [{low} {high}]"
