"""Eighty invented contents: topics × formats. The findings are made up and say so."""

from __future__ import annotations

from dataclasses import dataclass

NOTE = "> 本文为系统演示用的虚构内容，产品、数据与结论均不存在，不构成任何医学建议。"

BRANDS = (
    ("lvanning", "律安宁", "心血管"),
    ("shuyaping", "舒压平", "心血管"),
    ("ruixintuo", "瑞欣妥", "肿瘤"),
)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a group of contents is about: brand key (None: disease education), tags, points."""

    name: str
    brand: str | None
    area: str
    tags: tuple[str, ...]
    points: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SampleContent:
    """One content with its tags (name, weight) and how long it took to write about it."""

    key: str
    title: str
    summary: str
    body: str
    brand: str | None
    area: str
    tags: tuple[tuple[str, float], ...]
    author: str


H, T = "心血管", "肿瘤"
A, P, X = "lvanning", "shuyaping", "ruixintuo"
TOPICS = (
    Topic("房颤患者的卒中风险评估", A, H, ("房颤", "抗凝", "卒中预防"),
          ("先评估卒中风险，再谈获益", "每次随访都重新评分", "低分不等于永远低风险")),
    Topic("老年房颤抗凝的剂量选择", A, H, ("房颤", "抗凝", "老年患者"),
          ("年龄本身不是停药理由", "体重与肾功能决定剂量", "跌倒风险要与卒中风险一起看")),
    Topic("抗凝治疗的出血管理", A, H, ("抗凝", "安全性", "房颤"),
          ("先找可纠正的出血因素", "小出血多数不必停药", "重启时机要写进病历")),
    Topic("肾功能不全时的抗凝决策", A, H, ("抗凝", "安全性", "慢性肾病"),
          ("用同一公式连续计算清除率", "每三个月复查一次", "急性波动先停后评估")),
    Topic("围手术期抗凝的停与启", A, H, ("抗凝", "围手术期", "房颤"),
          ("按手术出血风险分层", "多数情况不需要桥接", "术后先确认止血再恢复")),
    Topic("房颤射频消融后的随访", A, H, ("房颤", "介入治疗", "抗凝"),
          ("空白期内复发不等于失败", "消融不能代替抗凝", "随访要包含心电监测")),
    Topic("让患者坚持服用抗凝药", A, H, ("抗凝", "依从性", "患者管理"),
          ("一句话说清为什么要吃", "固定时间比提醒更有效", "换药窗口最容易漏服")),
    Topic("静脉血栓的延长治疗", A, H, ("静脉血栓", "抗凝"),
          ("诱因决定疗程", "三个月时做一次决定", "患者意愿要记录")),
    Topic("清晨血压为什么难控制", P, H, ("高血压", "清晨血压", "血压监测"),
          ("先看是不是真的高", "药效覆盖要到第二天清晨", "睡眠问题别忽略")),
    Topic("单片复方的起始时机", P, H, ("高血压", "联合用药"),
          ("多数患者需要两种机制", "少吃一片就少一次漏服", "起始后四周评估")),
    Topic("家庭血压监测怎么教", P, H, ("高血压", "血压监测", "患者管理"),
          ("七天、早晚、各两次", "第一天的数据不算", "把平均值带到诊室")),
    Topic("老年高血压的目标值", P, H, ("高血压", "老年患者"),
          ("先看衰弱程度", "站立位血压必须量", "慢慢来比达标更重要")),
    Topic("糖尿病合并高血压", P, H, ("高血压", "糖尿病", "联合用药"),
          ("同时看尿白蛋白", "保护肾脏的药先用", "避免代谢不利的组合")),
    Topic("高血压合并心力衰竭", P, H, ("高血压", "心力衰竭"),
          ("先分清射血分数", "血压低也可能是治疗有效", "利尿剂随体重调整")),
    Topic("难治性高血压的排查路径", P, H, ("高血压", "联合用药", "指南"),
          ("先排除测量与依从性", "再查继发原因", "最后加第四种药")),
    Topic("夜间血压与器官损害", P, H, ("高血压", "血压监测", "慢性肾病"),
          ("动态血压是入口", "打鼾的人要多问一句", "服药时间可以个体化")),
    Topic("晚期肺癌的一线靶向选择", X, T, ("非小细胞肺癌", "靶向治疗", "指南"),
          ("先有基因结果再定方案", "一线用最强的药", "脑部情况决定节奏")),
    Topic("基因检测什么时候做、做什么", X, T, ("非小细胞肺癌", "基因检测"),
          ("组织优先，血液补充", "报告十个工作日内要到", "耐药时再测一次")),
    Topic("靶向耐药之后怎么走", X, T, ("非小细胞肺癌", "靶向治疗", "耐药"),
          ("先区分局部与全身进展", "再次活检能改变方案", "局部进展可继续原药加放疗")),
    Topic("肺癌脑转移的药物与放疗", X, T, ("非小细胞肺癌", "脑转移", "靶向治疗"),
          ("无症状可先用药", "多学科一起定放疗时机", "随访用增强核磁")),
    Topic("靶向治疗的皮肤不良反应", X, T, ("靶向治疗", "安全性", "不良反应管理"),
          ("保湿从第一天开始", "分级处理，不轻易减量", "让患者学会拍照记录")),
    Topic("术后辅助靶向的获益人群", X, T, ("非小细胞肺癌", "辅助治疗", "围手术期"),
          ("分期与突变一起看", "疗程要提前讲清楚", "复查计划写在出院小结")),
    Topic("肺癌多学科讨论怎么准备", X, T, ("多学科协作", "非小细胞肺癌"),
          ("一页病历说清问题", "影像提前上传", "结论要有人跟踪")),
    Topic("间质性肺病的早期识别", X, T, ("安全性", "不良反应管理", "非小细胞肺癌"),
          ("新发干咳先停下来想", "基线影像很重要", "激素使用要果断")),
    Topic("慢病门诊的随访工具", None, H, ("患者管理", "数字化工具"),
          ("把随访变成固定日程", "三个问题就够", "数据自动进病历")),
    Topic("从指南到病房的距离", None, H, ("指南", "学术会议"),
          ("推荐等级不等于可行", "先挑一条落实", "每月看一次执行率")),
    Topic("肿瘤患者的营养筛查", None, T, ("患者管理", "多学科协作"),
          ("入院当天就筛查", "体重下降是预后因素", "营养师要进多学科团队")),
)  # fmt: skip
FORMATS = (
    ("三分钟读懂：{topic}", "用三分钟看完{topic}的要点。", "要点", 0.8),
    ("病例讨论：{topic}", "一份虚构病例，讨论{topic}。", "病例", 1.0),
    ("指南问答：{topic}", "关于{topic}，同行最常问的三个问题。", "问答", 0.9),
)
COUNT = 80


def contents() -> tuple[SampleContent, ...]:
    """Eighty contents, every topic in at least two formats."""
    built = [
        _content(index, topic, form)
        for index, (form, topic) in enumerate((form, topic) for form in FORMATS for topic in TOPICS)
    ]
    return tuple(built[:COUNT])


def _content(index: int, topic: Topic, form: tuple[str, str, str, float]) -> SampleContent:
    title, summary, style, weight = form
    weights = (weight, weight * 0.8, weight * 0.6)
    return SampleContent(
        key=f"c{index + 1:03d}",
        title=title.format(topic=topic.name),
        summary=summary.format(topic=topic.name),
        body=_body(topic, style),
        brand=topic.brand,
        area=topic.area,
        tags=tuple(zip(topic.tags, weights, strict=False)),
        author="示例医学部",
    )


def _body(topic: Topic, style: str) -> str:
    opening = {
        "要点": f"门诊时间很短，这里把「{topic.name}」压缩成三句话，便于随时回看。",
        "病例": f"患者为虚构人物，67 岁，因相关问题就诊。我们借这份病例讨论「{topic.name}」。",
        "问答": f"我们整理了三个关于「{topic.name}」的常见问题，每个问题给出简短回答。",
    }[style]
    sections = []
    for number, point in enumerate(topic.points, start=1):
        heading = f"## 问题 {number}：{point}？" if style == "问答" else f"## {number}. {point}"
        sections.append(f"{heading}\n\n{_paragraph(topic, point, style)}")
    closing = "## 小结\n\n" + "\n".join(f"- {point}" for point in topic.points)
    return "\n\n".join([NOTE, opening, *sections, closing])


def _paragraph(topic: Topic, point: str, style: str) -> str:
    focus = "、".join(topic.tags)
    lead = {
        "要点": f"对于{focus}相关的患者，“{point}”是最先要确认的一步。",
        "病例": f"讨论到这里，团队意见一致：{point}。主管医师据此调整了随访计划。",
        "问答": f"简短的回答是：{point}，但要结合患者的具体情况。",
    }[style]
    return (
        f"{lead}实际工作中可以把它写进首页的检查清单，由护士在接诊时先行核对，"
        "医师只需处理例外情况；下一次随访时再回看一次，确认判断没有变化。"
    )
