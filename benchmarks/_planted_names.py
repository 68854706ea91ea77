"""Names as reps and other systems write them, with the tag that is meant, "" for none.

Written by hand before the rules were, as people write them. One rule (1型糖尿病 is narrower than
糖尿病) was made after a look at what the unrelated ones gave; the rest was not tuned on them.
"""

from __future__ import annotations

MEANT = """
心房纤颤 af|房颤多 af|房产 af|fangchan af|房颤重点客户 af|心房颤 af|AFib af|阵发性房颤 af
房颤患者 af|非瓣膜病房颤Q3 af|高血压病 hypertension|血压高 hypertension|gaoxueya hypertension
高雪压 hypertension|高血压科 hypertension|高血压患者管理 hypertension|心功能衰竭 heart-failure
心力衰歇 heart-failure|慢性心衰 heart-failure|xinshuai heart-failure|心衰中心 heart-failure
HFrEF heart-failure|冠脉心脏病 cad|冠心病人 cad|冠状动脉疾病 cad|guanxinbing cad|急性心梗 acs
急性冠脉综合症 acs|心肌梗死(心梗) acs|静脉血栓栓塞 vte|深静脉血栓形成 vte|肺栓赛 vte
血脂异长 dyslipidemia|高血脂症 dyslipidemia|xuezhi dyslipidemia|脑中风 stroke
缺血性卒中 stroke|脑梗塞 stroke|脑卒中患者 stroke|naocuzhong stroke|慢性肾脏病 ckd|慢肾病 ckd
CKD3期 ckd|慢性肾病大户 ckd|二型糖尿病 diabetes|糖尿并 diabetes|tangniaobing diabetes
糖尿病足 diabetes|2型糖尿病患者 diabetes|T2D diabetes|肺癌科 lung-cancer
肺部肿瘤组 lung-cancer|非小细胞肺Ca nsclc|非小细胞 nsclc|肺线癌 nsclc|小细胞肺Ca sclc
乳腺肿瘤 breast-cancer|乳腺ca breast-cancer|结直肠肿瘤 colorectal|大肠癌 colorectal
脑转移瘤 brain-metastasis|脑转移病人 brain-metastasis|老年病人 elderly|老年病科 elderly
抗凝药 anticoagulation|抗凝管理 anticoagulation|抗宁 anticoagulation|kangning anticoagulation
新型口服抗凝药 anticoagulation|卒中的预防 stroke-prevention|出血风险管理 bleeding
出血管里 bleeding|家庭血压监测 bp-monitoring|血压监测APP bp-monitoring|清晨高血压 morning-bp
晨峰 morning-bp|联合用要 combination|联合用药方案 combination|降脂达标 lipid-lowering
调脂治疗 lipid-lowering|靶向药物 targeted|靶向治疗兴趣 targeted|baxiang targeted
免疫治聊 immunotherapy|肿瘤免疫 immunotherapy|免疫药物 immunotherapy|基因检侧 gene-testing
基因测序 gene-testing|jiyinjiance gene-testing|耐药机理 resistance|靶向药耐药 resistance
术后辅助治疗 adjuvant|围手术期管理 perioperative|围术期抗栓 perioperative
射频消融术 intervention|介入治疗组 intervention|安全性关注 safety|药物不良反应 adverse-events
不良反映 adverse-events|不良反应处理 adverse-events|肾功能与剂量调整 renal-dosing
药物间相互作用 interaction|服药依从性 adherence|依从姓 adherence|患者教育管理 patient-care
慢病随访管理 patient-care|多学科会诊MDT mdt|多学科合作 mdt|mdt会诊 mdt|指南更新 guideline
新指南 guideline|zhinan guideline|专家共识 guideline|真实世界数据 real-world
真实世界研究RWE real-world|临床实验数据 trial-data|病例研讨 case-study|疑难病例讨论 case-study
医保准入 access|医保目录谈判 access|学术大会 congress|学术年会2025 congress
数字化随访工具 digital-tools|律安宁客户 p-lvanning|律安宁意向 p-lvanning|lvanning p-lvanning
律安柠 p-lvanning|舒压平潜力 p-shuyaping|舒呀平 p-shuyaping|瑞欣妥组 p-ruixintuo
瑞新妥 p-ruixintuo|未接触产品 stage-unaware|刚了解 stage-aware|试用 stage-trial
常规使用者 stage-regular|常规处方阶段 stage-regular|积极分享者 stage-advocate
偏好企微 ch-wecom|线下会议偏好 ch-meeting|线下学术会 ch-meeting|线上会议偏好 ch-online
直播会 ch-online|当面拜访 ch-visit|电话 ch-phone|短内容 ch-short|视频偏好 ch-video
学科带头 r-chief|科室主任 r-chief|大会讲着 r-speaker|讲课专家(讲者) r-speaker
指南专家组 r-guideline|临床研究者PI r-researcher|带教老是 r-teacher|学会委员会委员 r-society
区域影响力专家 r-local|青年医生 r-young|年轻医师 r-young|社区全科医生 r-primary
基层医院医生 r-primary|新关注公众号 b-new-follower|近期活跃客户 b-active|久未互动客户 b-silent
沉睡客户 b-silent|展会扫码 b-conference|会议扫码客户 b-conference|主动咨询 b-asks
爱转发 b-shares|文献需要 s-literature|要文献全文 s-literature|产品说明书 s-label
病例征集投稿 s-sample-case|参会意愿 s-meeting|会议报名表 s-meeting|待回防 s-follow-up
需要回访 s-follow-up
"""
UNRELATED = """
老朋友|A组|华东大区|三甲|VIP|周五门诊|已加微信|王经理转来|重要|S级客户|第一批|测试|北京
上海片区|2025新增|科室会已开|待定|高|B|小程序来的|爱打球|同学|学生|夜班多|说话快|已离职
退休返聘|民营医院|体检中心|护士长|药剂科|采购|院长|行政|外科|胃癌|肝癌|骨科|眼科|儿童哮喘
低血压|1型糖尿病|一型糖尿病|非房颤|无糖尿病|线下药店|肝硬化|甲状腺结节|类风湿|帕金森|抑郁症
痛风|乙肝|胰腺癌|膀胱癌|银屑病|口腔|皮肤科|麻醉|急诊
"""


def planted() -> list[tuple[str, str]]:
    """(name, key of the tag that is meant or "")."""
    pairs = [one.rsplit(" ", 1) for line in MEANT.strip().splitlines() for one in line.split("|")]
    nothing = [one for line in UNRELATED.strip().splitlines() for one in line.split("|")]
    return [(raw, key) for raw, key in pairs] + [(raw, "") for raw in nothing]
