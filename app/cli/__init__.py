"""The `yishu` command. Each module holds one group of commands and registers it in `main`."""
