"""What leaves us fits the platform, in bytes and not only in characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.connectors.wecom.attachments import LINK_BYTES, cut_bytes, fit
from app.content import ContentVersion
from app.flows.sending.material import forward_text, task_fields
from app.identity import Physician

TEXT_BYTES = 2048  # longer texts to members are cut by the platform


@given(st.text(max_size=200), st.integers(3, 200))
def test_cut_text_is_whole_characters_in_at_most_so_many_bytes(text: str, length: int) -> None:
    short = cut_bytes(text, length)
    assert len(short.encode()) <= length
    assert short == text or text.startswith(short.removesuffix("…"))


def test_the_longest_content_fits_a_text_and_a_task() -> None:
    version = ContentVersion(title="题" * 120, summary="要" * 300)
    physician = Physician(name="示例" * 10)
    url = "https://yishu.example.com/t/" + "x" * 16
    assert len(forward_text(physician, version, url).encode()) <= TEXT_BYTES
    assert forward_text(physician, version, url).endswith(url)
    given = {"msgtype": "link", "link": task_fields("wm1", physician, version, url)["link"]}
    link = fit([given])[0]["link"]
    for name, most in LINK_BYTES.items():
        assert len(link[name].encode()) <= most
    assert link["url"] == url
