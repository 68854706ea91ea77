"""The WeChat Official Account (公众号): callbacks and calls."""
