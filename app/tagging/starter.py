"""A starter vocabulary for a pharma company in China, in our own words. Pure data.

Brands are invented. A parent is the wider idea: who has 房颤 is half as surely about 心血管疾病.
"""

from __future__ import annotations

from typing import NamedTuple

CATEGORIES = (
    ("disease", "专科与疾病", False),
    ("topic", "学术话题", False),
    ("product", "产品兴趣", False),
    ("adoption", "采用阶段", True),
    ("channel", "渠道偏好", False),
    ("role", "角色与影响力", False),
    ("behaviour", "行为", False),
    ("service", "服务与事务", False),
)
"""(key, name, exclusive: at most one of its tags holds)."""

SPOKEN = ("disease", "topic", "product", "service")
"""Categories that a physician's own words can speak of; nobody says about himself "A3"."""

_D, _T, _P, _A, _C, _R, _B, _S = (key for key, _, _ in CATEGORIES)


class Entry(NamedTuple):
    """One tag. `half_life` in days; None: it does not fade."""

    key: str
    name: str
    category: str
    owner: str
    half_life: int | None
    meaning: str
    synonyms: tuple[str, ...] = ()
    parent: str = ""


def _disease(
    key: str, name: str, meaning: str, synonyms: tuple[str, ...] = (), parent: str = ""
) -> Entry:
    return Entry(key, name, _D, "medical", 365, meaning, synonyms, parent)


def _topic(
    key: str, name: str, meaning: str, synonyms: tuple[str, ...] = (), parent: str = ""
) -> Entry:
    return Entry(key, name, _T, "medical", 180, meaning, synonyms, parent)


def _role(key: str, name: str, meaning: str, synonyms: tuple[str, ...] = ()) -> Entry:
    return Entry(key, name, _R, "medical", None, meaning, synonyms)


def _stage(key: str, name: str, meaning: str, synonyms: tuple[str, ...]) -> Entry:
    return Entry(key, name, _A, "sales", 180, meaning, synonyms)


TAGS: tuple[Entry, ...] = (
    # 专科与疾病
    _disease("cardio", "心血管疾病", "专业方向是心血管疾病", ("心血管", "心内科", "心内")),
    _disease("oncology", "肿瘤", "专业方向是肿瘤", ("肿瘤科", "肿瘤内科", "实体瘤")),
    _disease("metabolic", "代谢与肾脏疾病", "专业方向是代谢或肾脏疾病", ("内分泌科", "肾内科")),
    _disease("af", "房颤", "经常诊治房颤", ("心房颤动", "AF", "房颤患者多"), "cardio"),
    _disease("hypertension", "高血压", "经常诊治高血压", ("HTN", "原发性高血压"), "cardio"),
    _disease("heart-failure", "心力衰竭", "经常诊治心力衰竭", ("心衰", "HF"), "cardio"),
    _disease("cad", "冠心病", "经常诊治冠心病", ("CAD", "冠脉疾病"), "cardio"),
    _disease("acs", "急性冠脉综合征", "经常救治急性冠脉事件", ("ACS", "心梗"), "cad"),
    _disease("vte", "静脉血栓", "经常诊治静脉血栓", ("VTE", "深静脉血栓", "肺栓塞"), "cardio"),
    _disease("dyslipidemia", "血脂异常", "经常诊治血脂异常", ("高血脂", "高脂血症"), "cardio"),
    _disease("stroke", "脑卒中", "经常诊治脑卒中", ("卒中", "脑梗", "神经内科")),
    _disease("ckd", "慢性肾病", "经常诊治慢性肾病", ("CKD", "肾功能不全"), "metabolic"),
    _disease("diabetes", "糖尿病", "经常诊治糖尿病", ("T2DM", "2型糖尿病"), "metabolic"),
    _disease("lung-cancer", "肺癌", "经常诊治肺癌", ("肺部肿瘤",), "oncology"),
    _disease(
        "nsclc", "非小细胞肺癌", "经常诊治非小细胞肺癌", ("NSCLC", "肺腺癌"), "lung-cancer"
    ),
    _disease("sclc", "小细胞肺癌", "经常诊治小细胞肺癌", ("SCLC",), "lung-cancer"),
    _disease("breast-cancer", "乳腺癌", "经常诊治乳腺癌", ("乳癌",), "oncology"),
    _disease("colorectal", "结直肠癌", "经常诊治结直肠癌", ("肠癌", "CRC"), "oncology"),
    _disease("brain-metastasis", "脑转移", "经常处理脑转移", ("脑转",), "oncology"),
    _disease("gastric-cancer", "胃癌", "经常诊治胃癌", ("胃部肿瘤",), "oncology"),
    _disease("liver-cancer", "肝癌", "经常诊治肝癌", ("肝细胞癌", "HCC"), "oncology"),
    _disease("prostate-cancer", "前列腺癌", "经常诊治前列腺癌", ("PCa",), "oncology"),
    _disease("hematology", "血液病", "专业方向是血液病", ("血液科", "血液内科")),
    _disease("lymphoma", "淋巴瘤", "经常诊治淋巴瘤", ("DLBCL",), "hematology"),
    _disease("myeloma", "多发性骨髓瘤", "经常诊治多发性骨髓瘤", ("骨髓瘤",), "hematology"),
    _disease("respiratory", "呼吸系统疾病", "专业方向是呼吸系统疾病", ("呼吸科", "呼吸内科")),
    _disease("copd", "慢阻肺", "经常诊治慢性阻塞性肺疾病", ("慢性阻塞性肺疾病", "COPD"),
             "respiratory"),
    _disease("asthma", "哮喘", "经常诊治哮喘", ("支气管哮喘",), "respiratory"),
    _disease("digestive", "消化系统疾病", "专业方向是消化系统疾病", ("消化科", "消化内科")),
    _disease("hepatitis", "病毒性肝炎", "经常诊治病毒性肝炎", ("乙肝", "慢乙肝"), "digestive"),
    _disease("ibd", "炎症性肠病", "经常诊治炎症性肠病", ("IBD", "克罗恩病"), "digestive"),
    _disease("acid", "胃酸相关疾病", "经常诊治反流和溃疡", ("胃食管反流", "消化性溃疡"),
             "digestive"),
    _disease("neurology", "神经系统疾病", "专业方向是神经系统疾病", ("神内", "神经科")),
    _disease("epilepsy", "癫痫", "经常诊治癫痫", ("癫痫发作",), "neurology"),
    _disease("parkinson", "帕金森病", "经常诊治帕金森病", ("帕金森",), "neurology"),
    _disease("dementia", "认知障碍", "经常诊治认知障碍", ("阿尔茨海默病", "痴呆"), "neurology"),
    _disease("depression", "抑郁障碍", "经常诊治抑郁障碍", ("抑郁症",)),
    _disease("rheumatology", "风湿免疫病", "专业方向是风湿免疫病", ("风湿科", "风湿免疫科")),
    _disease("ra", "类风湿关节炎", "经常诊治类风湿关节炎", ("类风湿",), "rheumatology"),
    _disease("psoriasis", "银屑病", "经常诊治银屑病", ("牛皮癣",)),
    _disease("atopic", "特应性皮炎", "经常诊治特应性皮炎", ("异位性皮炎",)),
    _disease("obesity", "肥胖症", "经常诊治肥胖症", ("体重管理", "减重门诊"), "metabolic"),
    _disease("gout", "痛风", "经常诊治痛风和高尿酸血症", ("高尿酸血症",), "metabolic"),
    _disease("thyroid", "甲状腺疾病", "经常诊治甲状腺疾病", ("甲亢", "甲减"), "metabolic"),
    _disease("osteoporosis", "骨质疏松", "经常诊治骨质疏松", ("骨松",), "metabolic"),
    _disease("elderly", "老年患者", "老年患者占比高", ("高龄患者", "老年", "老年科")),
    # 学术话题
    _topic("anticoagulation", "抗凝", "关注抗凝治疗", ("抗凝治疗", "NOAC", "口服抗凝")),
    _topic("stroke-prevention", "卒中预防", "关注卒中预防", ("脑卒中预防", "防卒中")),
    _topic("bleeding", "出血管理", "关注出血风险的评估和处理", ("出血处理",), "safety"),
    _topic("bp-monitoring", "血压监测", "关注血压监测", ("家庭血压", "动态血压", "ABPM")),
    _topic("morning-bp", "清晨血压", "关注清晨血压", ("晨峰血压",), "bp-monitoring"),
    _topic("combination", "联合用药", "关注联合用药", ("联合治疗", "单片复方")),
    _topic("lipid-lowering", "降脂治疗", "关注降脂达标", ("调脂", "降脂")),
    _topic("targeted", "靶向治疗", "关注靶向治疗", ("靶向", "靶向药", "TKI")),
    _topic("immunotherapy", "免疫治疗", "关注肿瘤免疫治疗", ("免疫检查点", "PD-1")),
    _topic("gene-testing", "基因检测", "关注基因检测", ("分子检测", "NGS")),
    _topic("resistance", "耐药", "关注耐药后的处理", ("靶向耐药", "耐药机制"), "targeted"),
    _topic("adjuvant", "辅助治疗", "关注术后辅助治疗", ("术后辅助",)),
    _topic("perioperative", "围手术期", "关注围手术期用药", ("围术期",)),
    _topic("intervention", "介入治疗", "关注介入治疗", ("射频消融", "导管消融", "PCI")),
    _topic("safety", "安全性", "关注用药安全", ("用药安全", "出血风险")),
    _topic(
        "adverse-events", "不良反应管理", "关注不良反应的处理", ("不良反应", "副作用", "AE管理"),
        "safety",
    ),
    _topic("renal-dosing", "肾功能与剂量", "关注肾功能不全时的剂量", ("剂量调整",), "safety"),
    _topic("interaction", "药物相互作用", "关注药物相互作用", ("相互作用", "DDI"), "safety"),
    _topic("adherence", "依从性", "关注患者依从性", ("服药依从", "漏服"), "patient-care"),
    _topic("patient-care", "患者管理", "关注长期的患者管理", ("慢病管理", "患教", "随访管理")),
    _topic("mdt", "多学科协作", "关注多学科协作", ("MDT", "多学科会诊")),
    _topic("guideline", "指南", "关注指南更新", ("共识", "指南解读", "临床指南")),
    _topic("real-world", "真实世界研究", "关注真实世界证据", ("RWS", "真实世界")),
    _topic("trial-data", "临床试验数据", "关注关键临床试验", ("临床研究数据", "III期研究")),
    _topic("case-study", "病例讨论", "喜欢从病例入手", ("病例", "病例分享")),
    _topic("access", "医保与准入", "关注医保目录和药品可及", ("医保", "进院", "医保目录")),
    _topic("glucose-control", "血糖控制", "关注血糖达标", ("控糖", "血糖管理"), "patient-care"),
    _topic("inhalation", "吸入治疗", "关注吸入装置和用法", ("吸入装置", "雾化")),
    _topic("biologics", "生物制剂", "关注生物制剂的选择", ("生物药", "单抗")),
    _topic("screening", "早筛与诊断", "关注早期筛查和诊断", ("早筛", "早诊", "早期诊断")),
    _topic("rehabilitation", "康复", "关注治疗后的康复", ("心脏康复", "卒中康复"), "patient-care"),
    _topic("nutrition", "营养支持", "关注患者营养支持", ("肠内营养", "营养治疗"), "patient-care"),
    _topic("pharmacoeconomics", "药物经济学", "关注药物的费用与效果", ("卫生经济学",), "access"),
    Entry("congress", "学术会议", _T, "marketing", 120, "关注学术会议",
          ("会议", "年会", "学术年会")),
    Entry("digital-tools", "数字化工具", _T, "marketing", 180, "愿意用数字化工具",
          ("随访工具", "数字医疗")),
    # 产品兴趣（品牌均为虚构）
    Entry("p-lvanning", "律安宁兴趣", _P, "marketing", 120, "对律安宁的信息感兴趣",
          ("律安宁", "关注律安宁")),
    Entry("p-shuyaping", "舒压平兴趣", _P, "marketing", 120, "对舒压平的信息感兴趣",
          ("舒压平", "关注舒压平")),
    Entry("p-ruixintuo", "瑞欣妥兴趣", _P, "marketing", 120, "对瑞欣妥的信息感兴趣",
          ("瑞欣妥", "关注瑞欣妥")),
    Entry("p-competitor", "同类产品兴趣", _P, "marketing", 120, "主动了解其他公司的同类产品",
          ("竞品", "关注竞品")),
    # 采用阶段
    _stage("stage-unaware", "尚不了解", "还没有听说过产品", ("未接触", "A0")),
    _stage("stage-aware", "有所了解", "知道产品，还没有用过", ("了解阶段", "A1")),
    _stage("stage-trial", "尝试使用", "在少数患者中尝试", ("试用阶段", "A2")),
    _stage("stage-regular", "常规使用", "在合适的患者中常规使用", ("常规阶段", "A3")),
    _stage("stage-advocate", "积极分享", "愿意向同行分享经验", ("拥护者", "A4")),
    # 渠道偏好
    Entry("ch-wecom", "偏好企微沟通", _C, "system", 90, "多在企业微信里回应", ("企微", "微信沟通")),
    Entry("ch-oa", "偏好公众号", _C, "system", 90, "多在公众号里阅读", ("公众号活跃",)),
    Entry("ch-meeting", "偏好线下会议", _C, "sales", 180, "喜欢面对面的会议", ("线下会",)),
    Entry("ch-online", "偏好线上会议", _C, "sales", 180, "喜欢线上会议", ("线上会", "直播")),
    Entry("ch-visit", "偏好当面拜访", _C, "sales", 180, "希望当面沟通", ("面访", "拜访")),
    Entry("ch-phone", "偏好电话沟通", _C, "sales", 180, "希望电话沟通", ("电话沟通",)),
    Entry("ch-short", "偏好短内容", _C, "system", 90, "多读三分钟内的内容", ("三分钟", "短图文")),
    Entry("ch-deep", "偏好深度内容", _C, "system", 90, "会读完长文", ("深度阅读", "全文")),
    Entry("ch-video", "偏好视频", _C, "system", 90, "多看视频内容", ("视频",)),
    Entry("ch-few", "希望少联系", _C, "sales", 180, "希望少一些联系", ("少打扰", "勿扰")),
    # 角色与影响力
    _role("r-chief", "学科带头人", "领导一个学科", ("学科带头", "科主任")),
    _role("r-speaker", "讲者", "在学术会议上讲课", ("大会讲者", "讲师")),
    _role("r-guideline", "指南参与者", "参与编写指南或共识", ("指南专家",)),
    _role("r-researcher", "临床研究者", "主持或参与临床研究", ("研究者", "PI")),
    _role("r-teacher", "带教老师", "带教住院医师", ("带教",)),
    _role("r-society", "学会任职", "在专业学会任职", ("学会委员", "主委")),
    _role("r-local", "区域影响力", "影响本地区的同行", ("区域专家", "地市专家")),
    _role("r-young", "青年医生", "处于成长期的青年医生", ("青年医师", "规培")),
    _role("r-primary", "基层医生", "在基层医疗机构工作", ("社区医生", "全科医生")),
    _role("r-pharmacy", "药事委员", "参与医院的药事管理", ("药事会", "药剂科主任")),
    # 行为
    Entry("b-new-follower", "新关注", _B, "system", 30, "刚刚关注公众号", ("新粉丝",)),
    Entry("b-active", "近期活跃", _B, "system", 30, "近期多次打开内容", ("活跃",)),
    Entry("b-silent", "久未互动", _B, "system", 90, "很久没有互动", ("沉默", "沉睡")),
    Entry("b-conference", "会议扫码", _B, "marketing", 180, "在会议现场扫码",
          ("展台扫码", "会议现场")),
    Entry("b-asks", "主动提问", _B, "system", 90, "主动提出过问题", ("提问", "咨询")),
    Entry("b-shares", "愿意转发", _B, "system", 90, "把内容转给同行", ("转发", "分享多")),
    Entry("b-evening", "晚间阅读", _B, "system", 90, "多在晚上打开内容", ("夜间活跃",)),
    Entry("b-complete", "常读到底", _B, "system", 90, "打开的内容大多读完", ("完读",)),
    Entry("b-skims", "浏览即走", _B, "system", 90, "打开内容后很快离开", ("跳出",)),
    # 服务与事务
    Entry("s-literature", "文献需求", _S, "medical", 60, "想要文献", ("要文献", "全文文献")),
    Entry("s-label", "说明书需求", _S, "medical", 60, "想要说明书或产品资料", ("说明书",)),
    Entry("s-sample-case", "病例征集", _S, "medical", 90, "愿意投稿病例", ("投稿病例",)),
    Entry("s-meeting", "参会意向", _S, "marketing", 60, "想参加会议", ("想参会", "会议报名")),
    Entry("s-lecture", "讲课意向", _S, "medical", 90, "愿意在学术会议上讲课", ("愿意讲课",)),
    Entry("s-trial", "研究合作意向", _S, "medical", 180, "愿意参与临床研究", ("科研合作",)),
    Entry("s-hospital-entry", "进院流程咨询", _S, "sales", 60, "询问药品进院的流程",
          ("进院流程", "药事会流程")),
    Entry("s-follow-up", "待回访", _S, "sales", 30, "答应过要回访", ("需回访",)),
)  # fmt: skip

OPPOSITES: tuple[tuple[str, str], ...] = (
    ("b-active", "b-silent"),
    ("b-complete", "b-skims"),
    ("ch-short", "ch-deep"),
    ("ch-meeting", "ch-online"),
    ("ch-visit", "ch-few"),
    ("ch-deep", "b-skims"),
    ("r-chief", "r-young"),
)
"""Pairs of keys that contradict each other: who is one is hardly the other."""
