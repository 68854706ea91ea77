"""gunicorn's settings for the web process, from the environment."""

import os

worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
bind = f"{os.environ.get('WEB_HOST', '0.0.0.0')}:{os.environ.get('PORT', '8000')}"  # noqa: S104

graceful_timeout = 4  # a platform that deploys waits a little longer than this
timeout = 30
keepalive = 5
control_socket_disable = True  # two products under one user would share it
logconfig_dict = {  # gunicorn's own lines look like ours
    "formatters": {"generic": {"()": "app.infra.log.formatter", "process": "web"}},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": False}
    },
}
accesslog = None  # addresses carry link tokens; events are logged by the application


def child_exit(server, worker):
    """Keep what a process has counted, forget that it lives."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
