"""WeCom (企业微信): callbacks and calls of one corp's self-built app."""
