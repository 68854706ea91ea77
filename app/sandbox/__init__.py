"""A simulator of the WeCom and Official Account servers.

It knows the protocol, not the product: the unchanged client talks to it, and it sends signed,
encrypted callbacks. Only base URLs differ from the real platforms.

    world     who exists and what happened, under one lock
    callbacks what the platforms send, from a thread, in order per contact, with retries
    answers   errcodes, tokens, the journal of calls, and trouble on demand
    wecom_*   WeCom's endpoints with the rules that matter: contacts, tags, messages, tasks
    oa_api    the Official Account's endpoints, windows and codes
    happenings, corp_events   what people do, and the events that follow from it
    phones    two phones and what travels between them, for a browser
    server    all of it as one Flask application, with OAuth and the control API
"""
