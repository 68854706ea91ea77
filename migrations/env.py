"""Alembic's entry: runs revisions over the engine that `app.schema` hands in."""

from __future__ import annotations

from alembic import context

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes.get("metadata"),
        render_item=context.config.attributes.get("render_item"),
        render_as_batch=True,  # SQLite changes a column by copying the table
        compare_type=False,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
