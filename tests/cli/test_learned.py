"""What `yishu recommend learn` tells."""

from __future__ import annotations

from app.cli.learned import told

HEAD = {"held_out": 1200, "log_loss": 0.41, "ece": [0.02, 0.01, 0.03],
        "brier": [0.1, 0.09, 0.11], "slope": [0.98, 0.9, 1.1]}  # fmt: skip


def test_it_says_how_right_each_question_is_and_why_neighbours_stay_out() -> None:
    near = {
        "in": False,
        "openings": 5000,
        "why": "no sure gain",
        "log_loss_saved": [0.1, -0.1, 0.2],
    }
    text = told({"answers": 6000, "used": "learned", "heads": {"open": HEAD}, "near": near})
    assert "5,000 次打开，没有采用（没有让预测明显更准）" in text
    assert "open: 1,200 held out, log loss 0.41, ece 0.02 [0.01 0.03]" in text
    assert "slope 0.98 [0.9 1.1]" in text
    assert "已采用" in told({"answers": 6000, "used": "learned", "near": near | {"in": True}})
    few = told({"answers": 3, "used": "day 0", "why": "few answers"})
    assert few == "共有 3 条回答。仍按标签推荐：回答还太少。"
