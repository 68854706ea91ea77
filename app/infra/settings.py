"""Settings, read once from the environment and frozen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.infra.errors import Misconfigured


class Settings(BaseSettings):
    """Every setting of the product; `docs/operations.md` lists them for people."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: str = Field(description="SQLAlchemy URL: sqlite:///path or postgresql://…")
    redis_url: str = Field(description="redis://… or unix:///path/to/socket")

    yishu_secret_key: str = Field(min_length=16, description="signs sessions and links")
    yishu_encryption_keys: str = Field(
        min_length=16, description="id:key,id:key … newest first; `yishu keys new` makes one"
    )
    yishu_base_url: str = Field("http://localhost:8000", description="how phones reach us")
    yishu_api_token: str = Field("", description="a first API token, for set-up")
    yishu_proxies: int = Field(0, ge=0, le=9, description="reverse proxies before us")
    yishu_callback_window_s: int = Field(300, ge=1, description="accepted age of a callback, s")
    yishu_log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    yishu_link_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="hosts that linked content may point to, comma separated; empty: any https"
    )
    yishu_spill_dir: str = Field(
        "var/spill", description="where callbacks wait while the database is away; a local disk"
    )
    yishu_demo: bool = Field(False, description="show demo logins and the phones page link")

    yishu_send_concurrency: int = Field(
        5, ge=1, le=50, description="calls at once to one company's or account's platform"
    )

    wecom_corp_id: str = ""
    wecom_agent_id: str = ""
    wecom_secret: str = ""
    wecom_token: str = ""
    wecom_aes_key: str = ""
    wecom_api_base: str = "https://qyapi.weixin.qq.com"
    wecom_accounts: int = Field(
        0, ge=0, description="the company's account limit, for the daily quota; 0: our active reps"
    )

    oa_app_id: str = ""
    oa_secret: str = ""
    oa_token: str = ""
    oa_aes_key: str = ""
    oa_api_base: str = "https://api.weixin.qq.com"
    oa_template_id: str = Field(
        "",
        description="a template with the fields thing1 (title) and time2: reaches followers "
        "outside the 48 hours after their last message",
    )

    wechat_open_base: str = Field(
        "https://open.weixin.qq.com", description="where OAuth pages of WeCom and WeChat live"
    )

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql://", "postgresql+", "postgres://")):
            raise ValueError(
                "must look like postgresql://user:password@host/name or sqlite:///path"
            )
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must look like redis://host:6379/0 or unix:///path/to/socket")
        return value

    @field_validator("yishu_link_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip().lower() for host in value.split(",") if host.strip())
        return value

    @field_validator("yishu_base_url", "wecom_api_base", "oa_api_base", "wechat_open_base")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")


def load() -> Settings:
    """Settings from the environment.

    Raises Misconfigured naming each missing or unusable variable, never its value.
    """
    try:
        return Settings()
    except ValidationError as exc:
        problems = "; ".join(
            f"{str(error['loc'][0]).upper()}: {error['msg']}" for error in exc.errors()
        )
        raise Misconfigured(f"Settings are incomplete. {problems}") from None
