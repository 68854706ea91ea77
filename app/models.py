"""Every model, imported once: for migrations and for tests that create the schema."""

from importlib import import_module

from app.infra.db import Base

PACKAGES = (
    "accounts",
    "inbox",
    "hospitals",
    "identity",
    "reps",
    "linkage",
    "tagging",
    "consent",
    "links",
    "journey",
    "content",
    "segments",
    "autotag",
    "court",
    "delivery",
    "recommend",
    "feedback",
    "campaigns",
    "completeness",
    "connectors",
    "operations",
)

for _package in PACKAGES:
    import_module(f"app.{_package}.models")
import_module("app.delivery.moment_models")
import_module("app.recommend.policy.policy_models")
import_module("app.tagging.names.fold_models")
import_module("app.tagging.mirror.mirror_models")
import_module("app.recommend.fit.fit_models")
import_module("app.infra.leader")
import_module("app.infra.stamp")

metadata = Base.metadata
