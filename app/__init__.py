"""Yishu (医枢): physician engagement through WeCom and WeChat.

One program in three processes: web answers callbacks and pages, worker (RQ) does the work,
scheduler (APScheduler) says when. The database is the truth; Redis only carries bells.

Imports point down this list, never up and never sideways between domains:

    workers/            processes: worker, scheduler, jobs
    app/cli, app/sandbox
    app/doctor, app/backup
    app/bootstrap       the only place that builds things
    app/web             callbacks, api, links, console, rep, physician
    app/flows           one module per business event; a story over several domains
    domains             operations > campaigns > delivery | recommend > content | segments
                        > tagging | consent | links | journey > reps > identity > hospitals
                        > inbox
    app/connectors      foreign protocols: wecom, official_account
    app/facts           what happened, in our words
    app/infra           settings, db, queue, clock, log, errors, crypto
"""
