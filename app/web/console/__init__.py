"""The web console at /console/, in rooms as the left-hand menu has them.

physicians  医生
tags        标签
segments    人群
contents    内容
campaigns   推送
insights    洞察
governance  治理, 运维
identity    治理 → 身份, 复核, 医院
home        今日: is it running, what waits for me, what did it bring
session     log in and out, own password
menu        the menu itself
visible     what the current user may see
words       how times, kinds and sources are said
records     how what was done, sent, allowed and planned is said
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

from flask import Blueprint

from app.accounts.models import Role
from app.web.console.menu import menu_for
from app.web.policy import STAFF, Policy, default_policy

bp = Blueprint("console", __name__, url_prefix="/console")
default_policy(bp, Policy(roles=(*STAFF, Role.REP)))
bp.context_processor(lambda: {"menu": menu_for()})

for _page in walk_packages(__path__, f"{__name__}."):
    import_module(_page.name)
