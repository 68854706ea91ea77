"""洞察.

overview       总览
plans          今日计划
performance    内容表现
reach          覆盖与公平
lift           增量
policies       策略
policy_words   how policies and the lift are said
insight_words  what these pages share
"""
