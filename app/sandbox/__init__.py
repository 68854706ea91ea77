"""A simulator of the WeCom and Official Account servers.

It knows the protocol, not the product: the unchanged client talks to it, and it sends signed,
encrypted callbacks. Only base URLs differ from the real platforms.

    world     who exists and what happened, under one lock
    callbacks what the platforms send, from a thread, in order per contact, with retries
    wecom_api, oa_api, oauth   the platforms' endpoints with the rules that matter
    control   making things happen: for tests, the sample company and the phones page
    server    all of it as one Flask application
"""
