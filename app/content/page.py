"""Markdown into the only HTML that a physician's page may show. Pure."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {
    "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "blockquote", "table", "thead",
    "tbody", "tr", "th", "td", "hr", "br", "a", "img", "code", "sup", "sub",
}  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt"}}
CHARACTERS_A_MINUTE = 400
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def render(body: str) -> Markup:
    """Sanitised HTML; raw HTML in the Markdown is shown as text."""
    html = _markdown.render(body)
    clean = nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"https"})
    return Markup(clean)  # noqa: S704  # cleaned by an allow-list just above


def reading_seconds(body: str) -> int:
    """How long reading takes at 400 characters a minute, at least 20 seconds."""
    return max(20, round(len(body) / CHARACTERS_A_MINUTE * 60))
