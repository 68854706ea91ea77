"""First schema

Revision 0001, after nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("name", name=op.f("uq_api_token_name")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object_kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_entry_hash")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)

    op.create_table(
        "brand",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("therapy_area", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand")),
        sa.UniqueConstraint("key", name=op.f("uq_brand_key")),
    )
    op.create_table(
        "contact_policy",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cap_contacts", sa.Integer(), nullable=False),
        sa.Column("cap_days", sa.Integer(), nullable=False),
        sa.Column("quiet_from_minute", sa.Integer(), nullable=False),
        sa.Column("quiet_until_minute", sa.Integer(), nullable=False),
        sa.Column("refuse_days", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_policy")),
    )
    op.create_table(
        "identity_component",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column(
            "merged_into", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["identity_component.id"],
            name=op.f("fk_identity_component_merged_into"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_component")),
    )
    op.create_table(
        "identity_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_log")),
    )
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("rejections", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_table(
        "inbox_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dedupe_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("partition", sa.LargeBinary(length=16), nullable=False),
        sa.Column("event_type", sa.String(length=80), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_event")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_inbox_event_dedupe_key")),
    )
    with op.batch_alter_table("inbox_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_event_event_type"), ["event_type"], unique=False)
        batch_op.create_index("ix_inbox_event_order", ["partition", "state", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_inbox_event_received_at"), ["received_at"], unique=False
        )
        batch_op.create_index(
            "ix_inbox_event_work", ["state", "urgent", "next_attempt_at", "id"], unique=False
        )

    op.create_table(
        "platform_token",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lock_holder", sa.String(length=64), nullable=True),
        sa.Column("lock_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_platform_token")),
    )
    op.create_table(
        "rep",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("corp_id", sa.String(length=64), nullable=False),
        sa.Column("userid", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("team", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("daily_at_minute", sa.Integer(), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=False),
        sa.Column("prefers_group_task", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rep")),
        sa.UniqueConstraint("corp_id", "userid", name=op.f("uq_rep_corp_id_userid")),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("cron", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("catch_up", sa.String(length=6), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("kind", "ref_id", name=op.f("uq_schedule_kind_ref_id")),
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("name", name=op.f("uq_segment_name")),
    )
    op.create_table(
        "tag_category",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("parent_key", sa.String(length=40), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_key"], ["tag_category.key"], name=op.f("fk_tag_category_parent_key")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tag_category")),
    )
    op.create_table(
        "tag_unmapped",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("raw", sa.String(length=80), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_unmapped")),
        sa.UniqueConstraint("source", "raw", name=op.f("uq_tag_unmapped_source_raw")),
    )
    op.create_table(
        "channel_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("scene", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tag_keys", sa.JSON(), nullable=False),
        sa.Column("welcome_text", sa.Text(), nullable=False),
        sa.Column("config_id", sa.String(length=80), nullable=False),
        sa.Column("qr_url", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_channel_code_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_code")),
        sa.UniqueConstraint("kind", "scene", name=op.f("uq_channel_code_kind_scene")),
    )
    op.create_table(
        "content",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("brand_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("audience", sa.String(length=12), nullable=False),
        sa.Column(
            "replaced_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_content_brand_id")),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["content.id"], name=op.f("fk_content_replaced_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content")),
    )
    with op.batch_alter_table("content", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_content_brand_id"), ["brand_id"], unique=False)

    op.create_table(
        "daily_plan",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("considered", sa.Integer(), nullable=False),
        sa.Column("suggested", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_daily_plan_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_plan")),
        sa.UniqueConstraint("rep_id", "day", name=op.f("uq_daily_plan_rep_id_day")),
    )
    op.create_table(
        "identifier",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("value_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column(
            "component_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("one_id", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["component_id"], ["identity_component.id"], name=op.f("fk_identifier_component_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identifier")),
        sa.UniqueConstraint(
            "kind", "namespace", "value_hash", name=op.f("uq_identifier_kind_namespace_value_hash")
        ),
    )
    with op.batch_alter_table("identifier", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identifier_component_id"), ["component_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_identifier_one_id"), ["one_id"], unique=False)

    op.create_table(
        "schedule_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "schedule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_schedule_run_schedule_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_run")),
        sa.UniqueConstraint(
            "schedule_id", "due_at", name=op.f("uq_schedule_run_schedule_id_due_at")
        ),
    )
    with op.batch_alter_table("schedule_run", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_schedule_run_schedule_id"), ["schedule_id"], unique=False
        )

    op.create_table(
        "tag",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("category_key", sa.String(length=40), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("owner", sa.String(length=12), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("half_life_days", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_key"], ["tag_category.key"], name=op.f("fk_tag_category_key")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["tag.id"], name=op.f("fk_tag_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("key", name=op.f("uq_tag_key")),
        sa.UniqueConstraint("name", name=op.f("uq_tag_name")),
    )
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tag_category_key"), ["category_key"], unique=False)

    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_user_account_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("way", sa.String(length=12), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name=op.f("fk_campaign_content_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_campaign_content_id"), ["content_id"], unique=False)

    op.create_table(
        "consent_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("evidence", sa.String(length=120), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_consent_entry_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_entry")),
    )
    with op.batch_alter_table("consent_entry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_consent_entry_person", ["identifier_id", "purpose", "at"], unique=False
        )

    op.create_table(
        "content_tag",
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("tag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"],
            ["content.id"],
            name=op.f("fk_content_tag_content_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_content_tag_tag_id")),
        sa.PrimaryKeyConstraint("content_id", "tag_id", name=op.f("pk_content_tag")),
    )
    with op.batch_alter_table("content_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_content_tag_tag_id"), ["tag_id"], unique=False)

    op.create_table(
        "content_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("author_name", sa.String(length=80), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("approval_no", sa.String(length=60), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdraw_reason", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name=op.f("fk_content_version_content_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_version")),
        sa.UniqueConstraint(
            "content_id", "number", name=op.f("uq_content_version_content_id_number")
        ),
    )
    with op.batch_alter_table("content_version", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_content_version_content_id"), ["content_id"], unique=False
        )
        batch_op.create_index("ix_content_version_stage", ["stage", "valid_until"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_key", sa.String(length=120), nullable=False),
        sa.Column("a_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("b_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("a_id < b_id", name=op.f("ck_evidence_ordered")),
        sa.ForeignKeyConstraint(["a_id"], ["identifier.id"], name=op.f("fk_evidence_a_id")),
        sa.ForeignKeyConstraint(["b_id"], ["identifier.id"], name=op.f("fk_evidence_b_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint(
            "event_key", "a_id", "b_id", name=op.f("uq_evidence_event_key_a_id_b_id")
        ),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_evidence_a_id"), ["a_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_evidence_b_id"), ["b_id"], unique=False)
        batch_op.create_index("ix_evidence_pair", ["a_id", "b_id"], unique=False)

    op.create_table(
        "identity_conflict",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "component_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("a_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("b_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["a_id"], ["identifier.id"], name=op.f("fk_identity_conflict_a_id")
        ),
        sa.ForeignKeyConstraint(
            ["b_id"], ["identifier.id"], name=op.f("fk_identity_conflict_b_id")
        ),
        sa.ForeignKeyConstraint(
            ["component_id"],
            ["identity_component.id"],
            name=op.f("fk_identity_conflict_component_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_conflict")),
        sa.UniqueConstraint("a_id", "b_id", name=op.f("uq_identity_conflict_a_id_b_id")),
    )
    with op.batch_alter_table("identity_conflict", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_identity_conflict_component_id"), ["component_id"], unique=False
        )

    op.create_table(
        "identity_override",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("a_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("b_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retracted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retracted_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["a_id"], ["identifier.id"], name=op.f("fk_identity_override_a_id")
        ),
        sa.ForeignKeyConstraint(
            ["b_id"], ["identifier.id"], name=op.f("fk_identity_override_b_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_override")),
    )
    with op.batch_alter_table("identity_override", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_override_a_id"), ["a_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_identity_override_b_id"), ["b_id"], unique=False)

    op.create_table(
        "physician",
        sa.Column("one_id", sa.String(length=24), nullable=False),
        sa.Column("anchor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("redirect_to", sa.String(length=24), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("specialty", sa.String(length=60), nullable=False),
        sa.Column("department", sa.String(length=80), nullable=False),
        sa.Column("hospital", sa.String(length=120), nullable=False),
        sa.Column("city", sa.String(length=40), nullable=False),
        sa.Column("province", sa.String(length=40), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["anchor_id"], ["identifier.id"], name=op.f("fk_physician_anchor_id")
        ),
        sa.PrimaryKeyConstraint("one_id", name=op.f("pk_physician")),
    )
    with op.batch_alter_table("physician", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_physician_hospital"), ["hospital"], unique=False)
        batch_op.create_index(batch_op.f("ix_physician_specialty"), ["specialty"], unique=False)

    op.create_table(
        "profile_value",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("attribute", sa.String(length=20), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("trust", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_profile_value_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_value")),
        sa.UniqueConstraint(
            "identifier_id",
            "attribute",
            "source",
            name=op.f("uq_profile_value_identifier_id_attribute_source"),
        ),
    )
    with op.batch_alter_table("profile_value", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_profile_value_identifier_id"), ["identifier_id"], unique=False
        )

    op.create_table(
        "rep_contact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("remark", sa.LargeBinary(), nullable=True),
        sa.Column("add_way", sa.Integer(), nullable=True),
        sa.Column("channel_state", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_chat_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], name=op.f("fk_rep_contact_identifier_id")
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_rep_contact_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rep_contact")),
        sa.UniqueConstraint(
            "rep_id", "identifier_id", name=op.f("uq_rep_contact_rep_id_identifier_id")
        ),
    )
    with op.batch_alter_table("rep_contact", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rep_contact_identifier_id"), ["identifier_id"], unique=False
        )
        batch_op.create_index("ix_rep_contact_state", ["rep_id", "state"], unique=False)

    op.create_table(
        "tag_assertion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("tag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.String(length=120), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_tag_assertion_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_assertion_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_assertion")),
        sa.UniqueConstraint(
            "identifier_id",
            "tag_id",
            "source",
            "ref",
            name=op.f("uq_tag_assertion_identifier_id_tag_id_source_ref"),
        ),
    )
    with op.batch_alter_table("tag_assertion", schema=None) as batch_op:
        batch_op.create_index(
            "ix_tag_assertion_person", ["identifier_id", "superseded_at"], unique=False
        )
        batch_op.create_index("ix_tag_assertion_tag", ["tag_id", "superseded_at"], unique=False)

    op.create_table(
        "tag_sighting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("raw", sa.String(length=80), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_tag_sighting_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_sighting")),
        sa.UniqueConstraint(
            "identifier_id",
            "source",
            "scope",
            "raw",
            name=op.f("uq_tag_sighting_identifier_id_source_scope_raw"),
        ),
    )
    with op.batch_alter_table("tag_sighting", schema=None) as batch_op:
        batch_op.create_index("ix_tag_sighting_name", ["source", "raw"], unique=False)

    op.create_table(
        "tag_synonym",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("raw", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_synonym_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_synonym")),
        sa.UniqueConstraint("source", "raw", name=op.f("uq_tag_synonym_source_raw")),
    )
    with op.batch_alter_table("tag_synonym", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tag_synonym_tag_id"), ["tag_id"], unique=False)

    op.create_table(
        "dispatch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("app_key", sa.String(length=40), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("suggestion_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "content_version_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("task_id", sa.String(length=128), nullable=True),
        sa.Column("counts_as_contact", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("maybe_sent", sa.Boolean(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.String(length=128), nullable=False),
        sa.Column("response_code", sa.String(length=128), nullable=True),
        sa.Column("errcode", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt", sa.String(length=12), nullable=True),
        sa.Column("receipt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["content_version_id"],
            ["content_version.id"],
            name=op.f("fk_dispatch_content_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_dispatch_identifier_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_dispatch_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatch")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_dispatch_dedupe_key")),
        sa.UniqueConstraint("task_id", name=op.f("uq_dispatch_task_id")),
    )
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispatch_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index("ix_dispatch_check", ["check_at"], unique=False)
        batch_op.create_index("ix_dispatch_due", ["state", "not_before"], unique=False)
        batch_op.create_index("ix_dispatch_person", ["identifier_id", "sent_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_dispatch_rep_id"), ["rep_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_dispatch_suggestion_id"), ["suggestion_id"], unique=False
        )

    op.create_table(
        "physician_token",
        sa.Column("token", sa.LargeBinary(length=8), nullable=False),
        sa.Column("one_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["one_id"],
            ["physician.one_id"],
            name=op.f("fk_physician_token_one_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token", "one_id", name=op.f("pk_physician_token")),
    )
    with op.batch_alter_table("physician_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_physician_token_one_id"), ["one_id"], unique=False)

    op.create_table(
        "suggestion",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_key", sa.String(length=60), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "content_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "content_version_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("contributions", sa.JSON(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("refusal", sa.String(length=20), nullable=True),
        sa.Column("refusal_note", sa.LargeBinary(), nullable=True),
        sa.Column("hidden_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forwarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name=op.f("fk_suggestion_content_id")
        ),
        sa.ForeignKeyConstraint(
            ["content_version_id"],
            ["content_version.id"],
            name=op.f("fk_suggestion_content_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_suggestion_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_suggestion_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sa.UniqueConstraint(
            "plan_key", "identifier_id", name=op.f("uq_suggestion_plan_key_identifier_id")
        ),
    )
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_suggestion_campaign_id"), ["campaign_id"], unique=False
        )
        batch_op.create_index("ix_suggestion_person", ["identifier_id", "content_id"], unique=False)
        batch_op.create_index("ix_suggestion_rep_day", ["rep_id", "day"], unique=False)

    op.create_table(
        "touchpoint",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ref", sa.String(length=120), nullable=False),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "content_version_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["content_version_id"],
            ["content_version.id"],
            name=op.f("fk_touchpoint_content_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_touchpoint_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_touchpoint_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touchpoint")),
        sa.UniqueConstraint("ref", name=op.f("uq_touchpoint_ref")),
    )
    with op.batch_alter_table("touchpoint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_touchpoint_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_touchpoint_campaign_id"), ["campaign_id"], unique=False
        )
        batch_op.create_index("ix_touchpoint_person", ["identifier_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_touchpoint_rep_id"), ["rep_id"], unique=False)

    op.create_table(
        "tracked_link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token", sa.String(length=24), nullable=False),
        sa.Column(
            "content_version_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "identifier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("rep_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("suggestion_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_version_id"],
            ["content_version.id"],
            name=op.f("fk_tracked_link_content_version_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"],
            ["identifier.id"],
            name=op.f("fk_tracked_link_identifier_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_tracked_link_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_link")),
        sa.UniqueConstraint("token", name=op.f("uq_tracked_link_token")),
    )
    with op.batch_alter_table("tracked_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tracked_link_campaign_id"), ["campaign_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_tracked_link_content_version_id"), ["content_version_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_tracked_link_identifier_id"), ["identifier_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_tracked_link_suggestion_id"), ["suggestion_id"], unique=False
        )

    op.create_table(
        "page_view",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("link_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("visit_key", sa.String(length=32), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("visible_s", sa.Double(), nullable=False),
        sa.Column("depth_pct", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"], ["tracked_link.id"], name=op.f("fk_page_view_link_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_view")),
        sa.UniqueConstraint("visit_key", name=op.f("uq_page_view_visit_key")),
    )
    with op.batch_alter_table("page_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_page_view_link_id"), ["link_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_page_view_opened_at"), ["opened_at"], unique=False)

    op.create_table(
        "suggestion_answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "suggestion_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("answer", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("ref", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["suggestion_id"],
            ["suggestion.id"],
            name=op.f("fk_suggestion_answer_suggestion_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_answer")),
        sa.UniqueConstraint("ref", name=op.f("uq_suggestion_answer_ref")),
    )
    with op.batch_alter_table("suggestion_answer", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_suggestion_answer_suggestion_id"), ["suggestion_id"], unique=False
        )


def downgrade() -> None:
    """Step back from it."""
    with op.batch_alter_table("suggestion_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suggestion_answer_suggestion_id"))

    op.drop_table("suggestion_answer")
    with op.batch_alter_table("page_view", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_page_view_opened_at"))
        batch_op.drop_index(batch_op.f("ix_page_view_link_id"))

    op.drop_table("page_view")
    with op.batch_alter_table("tracked_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tracked_link_suggestion_id"))
        batch_op.drop_index(batch_op.f("ix_tracked_link_identifier_id"))
        batch_op.drop_index(batch_op.f("ix_tracked_link_content_version_id"))
        batch_op.drop_index(batch_op.f("ix_tracked_link_campaign_id"))

    op.drop_table("tracked_link")
    with op.batch_alter_table("touchpoint", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_touchpoint_rep_id"))
        batch_op.drop_index("ix_touchpoint_person")
        batch_op.drop_index(batch_op.f("ix_touchpoint_campaign_id"))
        batch_op.drop_index(batch_op.f("ix_touchpoint_at"))

    op.drop_table("touchpoint")
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.drop_index("ix_suggestion_rep_day")
        batch_op.drop_index("ix_suggestion_person")
        batch_op.drop_index(batch_op.f("ix_suggestion_campaign_id"))

    op.drop_table("suggestion")
    with op.batch_alter_table("physician_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_physician_token_one_id"))

    op.drop_table("physician_token")
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_dispatch_suggestion_id"))
        batch_op.drop_index(batch_op.f("ix_dispatch_rep_id"))
        batch_op.drop_index("ix_dispatch_person")
        batch_op.drop_index("ix_dispatch_due")
        batch_op.drop_index("ix_dispatch_check")
        batch_op.drop_index(batch_op.f("ix_dispatch_campaign_id"))

    op.drop_table("dispatch")
    with op.batch_alter_table("tag_synonym", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tag_synonym_tag_id"))

    op.drop_table("tag_synonym")
    with op.batch_alter_table("tag_sighting", schema=None) as batch_op:
        batch_op.drop_index("ix_tag_sighting_name")

    op.drop_table("tag_sighting")
    with op.batch_alter_table("tag_assertion", schema=None) as batch_op:
        batch_op.drop_index("ix_tag_assertion_tag")
        batch_op.drop_index("ix_tag_assertion_person")

    op.drop_table("tag_assertion")
    with op.batch_alter_table("rep_contact", schema=None) as batch_op:
        batch_op.drop_index("ix_rep_contact_state")
        batch_op.drop_index(batch_op.f("ix_rep_contact_identifier_id"))

    op.drop_table("rep_contact")
    with op.batch_alter_table("profile_value", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_profile_value_identifier_id"))

    op.drop_table("profile_value")
    with op.batch_alter_table("physician", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_physician_specialty"))
        batch_op.drop_index(batch_op.f("ix_physician_hospital"))

    op.drop_table("physician")
    with op.batch_alter_table("identity_override", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_override_b_id"))
        batch_op.drop_index(batch_op.f("ix_identity_override_a_id"))

    op.drop_table("identity_override")
    with op.batch_alter_table("identity_conflict", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_conflict_component_id"))

    op.drop_table("identity_conflict")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_evidence_pair")
        batch_op.drop_index(batch_op.f("ix_evidence_b_id"))
        batch_op.drop_index(batch_op.f("ix_evidence_a_id"))

    op.drop_table("evidence")
    with op.batch_alter_table("content_version", schema=None) as batch_op:
        batch_op.drop_index("ix_content_version_stage")
        batch_op.drop_index(batch_op.f("ix_content_version_content_id"))

    op.drop_table("content_version")
    with op.batch_alter_table("content_tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_content_tag_tag_id"))

    op.drop_table("content_tag")
    with op.batch_alter_table("consent_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_consent_entry_person")

    op.drop_table("consent_entry")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_content_id"))

    op.drop_table("campaign")
    op.drop_table("user_account")
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tag_category_key"))

    op.drop_table("tag")
    with op.batch_alter_table("schedule_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_schedule_run_schedule_id"))

    op.drop_table("schedule_run")
    with op.batch_alter_table("identifier", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identifier_one_id"))
        batch_op.drop_index(batch_op.f("ix_identifier_component_id"))

    op.drop_table("identifier")
    op.drop_table("daily_plan")
    with op.batch_alter_table("content", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_content_brand_id"))

    op.drop_table("content")
    op.drop_table("channel_code")
    op.drop_table("tag_unmapped")
    op.drop_table("tag_category")
    op.drop_table("segment")
    op.drop_table("schedule")
    op.drop_table("rep")
    op.drop_table("platform_token")
    with op.batch_alter_table("inbox_event", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_event_work")
        batch_op.drop_index(batch_op.f("ix_inbox_event_received_at"))
        batch_op.drop_index("ix_inbox_event_order")
        batch_op.drop_index(batch_op.f("ix_inbox_event_event_type"))

    op.drop_table("inbox_event")
    op.drop_table("import_batch")
    op.drop_table("identity_log")
    op.drop_table("identity_component")
    op.drop_table("contact_policy")
    op.drop_table("brand")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))

    op.drop_table("audit_entry")
    op.drop_table("api_token")
