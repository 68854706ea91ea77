"""Departments under one name, from a closed list; nothing is guessed. Pure.

The list follows the catalogue by which medical institutions in China register what they treat.
"""

from __future__ import annotations

import re

from app.hospitals.normalise import arabic, plain

# Standard name, then what it is also called. Without 科: it is taken off before looking.
_LIST = """
心血管内科 心内 心脏内 心脏 心血管 心血管病 循环内 心脏病 心血管中心 心血管病中心 心脏中心
呼吸内科 呼吸 呼吸与危重症医学 呼吸危重症 呼吸与危重症 呼吸病 呼吸及危重症医学 PCCM
消化内科 消化 胃肠内 消化病 胃肠病 消化中心
神经内科 神内 脑内 神经 神经病学 神经病 卒中中心 脑病
肾内科 肾 肾病 肾病内 肾脏内 肾脏病 血液净化 血透 血液透析 血液净化中心
内分泌科 内分泌代谢 内分泌与代谢病 内分泌及代谢病 内分泌内 糖尿病 内分泌糖尿病
风湿免疫科 风湿 风湿免疫内 风湿病 免疫 风湿内
血液内科 血液 血液病 血内
感染性疾病科 感染 感染病 传染 传染病 感染内 感染疾病
肝病科 肝病内 肝 肝病中心
老年医学科 老年 老年病 老年内 老年医学 干部病房 保健病房
普通内科 内 综合内 大内 普内
普通外科 普外 外 外科普通 大外 综合外
胃肠外科 胃肠 胃肠肿瘤外
肝胆外科 肝胆胰外 肝胆 肝胆胰 肝外 肝胆胰脾外 肝胆胰
甲状腺乳腺外科 甲乳外 甲状腺外 甲乳 甲状腺乳腺 乳腺甲状腺外
乳腺外科 乳腺 乳外 乳腺病 乳腺中心
血管外科 血管 周围血管 血管介入
肛肠科 肛肠外 肛门外 结直肠外 结直肠肛门外
神经外科 神外 脑外 颅脑外
心脏大血管外科 心外 心脏外 心血管外 心脏血管外
胸外科 普胸外 胸心外 心胸外 胸
泌尿外科 泌尿 泌外 泌尿男科
骨科 骨外 骨伤 骨 关节外 创伤骨 脊柱外 骨与关节外 矫形外 骨关节
整形外科 整形 整形美容 烧伤整形 医学美容 美容外 整形美容外
烧伤科 烧伤外 烧伤
移植科 器官移植 肾移植 肝移植 器官移植中心
小儿外科 儿外 儿童外
妇产科 妇产 妇产中心
妇科 妇 妇内 妇外
产科 产 围产 产房
生殖医学科 生殖 生殖医学 生殖中心 生殖医学中心 辅助生殖 不孕不育
计划生育科 计划生育 计生
儿科 儿 小儿 儿内 小儿内 儿童内 儿童
新生儿科 新生儿 NICU
儿童保健科 儿保 儿童保健
妇女保健科 妇保 妇女保健
眼科 眼 眼科中心
耳鼻咽喉头颈外科 耳鼻咽喉 耳鼻喉 五官 耳鼻喉头颈外 头颈外 耳鼻咽喉头颈
口腔科 口腔 牙 口腔内 口腔外 口腔颌面外 颌面外 牙体牙髓 正畸 口腔医学中心
皮肤科 皮肤 皮肤性病 皮肤病 皮肤与性病 皮肤美容
肿瘤科 肿瘤 肿瘤内 化疗 肿瘤中心 肿瘤综合 癌症中心
放射治疗科 放疗 肿瘤放疗 放射治疗 放射肿瘤 肿瘤放射治疗
精神科 精神 精神卫生 心身 精神心理
心理科 心理 临床心理 医学心理 心理咨询
康复医学科 康复 康复医学 理疗 康复理疗 康复中心
疼痛科 疼痛 疼痛诊疗
全科医学科 全科 全科医学 全医
急诊医学科 急诊 急诊医学 急救 急诊内 急诊外 急诊中心
重症医学科 重症 重症医学 ICU 重症监护 综合ICU 重症监护室
麻醉科 麻醉 麻醉手术 手术麻醉 麻醉与围术期医学
中医科 中医 中医内 国医堂 传统医学
针灸推拿科 针灸 推拿 针推 针灸理疗
中西医结合科 中西医结合 中西医
民族医学科 民族医 蒙医 藏医 维医
预防保健科 预防保健 保健 预防
营养科 营养 临床营养
介入科 介入 介入放射 介入治疗 介入血管 介入医学
放射科 放射 影像 医学影像 影像中心 放射影像 CT CT室
超声医学科 超声 B超 超声医学 超声诊断 彩超
核医学科 核医学 核医 PET
检验科 检验 医学检验 临床检验 检验中心
病理科 病理 病理诊断
输血科 输血 血库
药学部 药剂 药学 药房 临床药学 药
体检科 体检 健康管理 体检中心 健康体检 健康管理中心
内镜中心 内镜 内窥镜 胃镜 胃镜室 消化内镜
护理部 护理
职业病科 职业病
结核病科 结核 结核内
男科 男 男性
变态反应科 变态反应 过敏 过敏反应
"""
_PLACE = re.compile(
    r"\([^()]*\)|\d+(?:病区|区|病房|组|楼)?|病区|病房|门诊部?|住院部?|[东南西北]区$"
)
_END = re.compile(r"(?<=.)(?:科室|专科|教研室|研究室|科|室)$")
_SEPARATOR = re.compile(r"[/、,;·]")


def standard(text: str) -> str | None:
    """The standard name of a department as somebody wrote it, or None when it is not known.

    Wards, numbers and campuses do not matter: 心内一科, 心血管内科二病区 → 心血管内科. Of several,
    as 心内科/老年科, the first that is known.
    """
    whole = plain(text)
    for part in (whole, *_SEPARATOR.split(whole)):
        for form in (part, arabic(part)):
            found = _KNOWN.get(_core(_PLACE.sub("", form))) or _KNOWN.get(_core(form))
            if found:
                return found
    return None


def names() -> tuple[str, ...]:
    """The closed list."""
    return tuple(dict.fromkeys(_KNOWN.values()))


def _core(text: str) -> str:
    return _END.sub("", "".join(c for c in text if c.isalnum()))


def _known() -> dict[str, str]:
    known: dict[str, str] = {}
    for line in _LIST.strip().splitlines():
        name, *others = line.split()
        for word in (name, *others):
            known.setdefault(_core(plain(word)), name)
    return known


_KNOWN = _known()
