"""Sentences with the tags that they speak of, written for this measurement; and many made ones.

`HARD`: ordinary words hide a name (胸痛中心内部 holds 心内), names follow each other without a
break, names are denied. `made` puts every name into everyday questions.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

HARD: Sequence[tuple[str, tuple[str, ...]]] = (
    ("胸痛中心内部流程怎么走", ()),
    ("体检中心内设门诊几点开", ()),
    ("今年会有新版吗", ()),
    ("明年会不会更新", ()),
    ("我们全年会诊三百例", ()),
    ("青年会诊医师排班", ()),
    ("这是一个社会议题", ()),
    ("会议室在几楼", ()),
    ("请说明书写要求", ()),
    ("推进院内流程改造", ()),
    ("医院引进院士团队", ()),
    ("病人难以忍耐药片的苦味", ()),
    ("这是一篇重要文献", ()),
    ("养老年金怎么领", ()),
    ("军医保障队到了", ()),
    ("头脑转得快", ()),
    ("服务器泄漏服务日志", ()),
    ("新增发病例数统计", ()),
    ("总共识别出三例", ()),
    ("公共识别码是什么", ()),
    ("离心衰减曲线", ()),
    ("中心梗概写好了吗", ()),
    ("指南针公众号怎么用", ()),
    ("少吃降脂肪含量高的食物", ()),
    ("患病例数逐年上升", ()),
    ("董事会议程已发", ()),
    ("用CAD画图", ()),
    ("相机AF对焦不准", ()),
    ("多年会员了", ()),
    ("古老年代的医书", ()),
    ("工会议事厅见", ()),
    ("先进院区的停车场", ()),
    ("谢谢，收到", ()),
    ("今天门诊很忙", ()),
    ("二维码扫不出来", ()),
    ("明天下午有空", ()),
    ("您好，请问怎么联系你们", ()),
    ("地址改成新院区", ()),
    ("页面打不开", ()),
    ("好的，回头看", ()),
    ("房颤抗凝剂量怎么选", ("af", "anticoagulation")),
    ("非小细胞肺癌脑转移靶向耐药后怎么办", ("nsclc", "brain-metastasis", "resistance")),
    ("老年高血压联合用药", ("elderly", "hypertension", "combination")),
    ("慢性肾病患者抗凝怎么减量", ("ckd", "anticoagulation")),
    ("糖尿病肾病血压目标", ("diabetes",)),
    ("有冠心病史的患者", ("cad",)),
    ("卒中后抑郁怎么处理", ("stroke",)),
    ("肺腺癌术后辅助治疗多久", ("nsclc", "adjuvant")),
    ("NOAC剂量和年龄", ("anticoagulation",)),
    ("PD-1相关的副作用", ("immunotherapy", "adverse-events")),
    ("心内科今年会议安排", ("cardio", "congress")),
    ("心衰合并房颤用什么", ("heart-failure", "af")),
    ("家庭血压怎么教患者测", ("bp-monitoring",)),
    ("晨峰血压和动态血压", ("morning-bp", "bp-monitoring")),
    ("想参会，怎么报名", ("s-meeting",)),
    ("能发一份说明书吗", ("s-label",)),
    ("要文献全文", ("s-literature",)),
    ("医保目录里有吗", ("access",)),
    ("指南解读有视频吗", ("guideline",)),
    ("MDT讨论怎么准备", ("mdt",)),
    ("深静脉血栓要用多久", ("vte",)),
    ("ACS术后双抗", ("acs",)),
    ("乳腺癌的基因检测", ("breast-cancer", "gene-testing")),
    ("肠癌免疫检查点", ("colorectal", "immunotherapy")),
    ("患者总是漏服", ("adherence",)),
    ("律安宁有老年数据吗", ("p-lvanning", "elderly")),
    ("DDI要注意什么", ("interaction",)),
    ("围术期要不要停抗凝", ("perioperative", "anticoagulation")),
    ("高脂血症调脂目标", ("dyslipidemia", "lipid-lowering")),
    ("导管消融以后还要吃药吗", ("intervention",)),
    ("真实世界的RWS结果", ("real-world",)),
    ("我不看高血压，想看心衰", ("heart-failure",)),
    ("糖尿病的内容不感兴趣", ()),
    ("不要房颤的了，发肺癌的", ("lung-cancer",)),
    ("有没有抗凝资料", ("anticoagulation",)),
    ("除了高血压都可以", ()),
    ("没有糖尿病", ()),
    ("脑梗和心梗的区别", ("stroke", "acs")),
    ("2型糖尿病合并高血压", ("diabetes", "hypertension")),
    ("小细胞肺癌和非小细胞肺癌", ("sclc", "nsclc")),
)
ASKED = (
    "想看{a}的资料",
    "{a}怎么处理",
    "请问{a}有新进展吗",
    "{a}和{b}怎么兼顾",
    "门诊常见{a}，请发资料",
    "关于{a}想请教一下",
    "我们科{a}比较多",
    "{a}、{b}都关注",
)


def made(names: Mapping[str, str], seed: int = 7) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every name (name → key) in one everyday sentence."""
    rng = random.Random(seed)
    everything = sorted(names)
    for a in everything:
        b = rng.choice([name for name in everything if names[name] != names[a]])
        form = rng.choice(ASKED)
        keys = [names[a], names[b]] if "{b}" in form else [names[a]]
        yield form.format(a=a, b=b), tuple(dict.fromkeys(keys))
