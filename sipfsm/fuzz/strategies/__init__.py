"""Strategies for every construct of :rfc:`3261#section-25`; `sipfsm.fuzz` says which are public.

``notation`` has the operators of ABNF, ``characters``, ``hosts``, ``uris``, ``addresses`` and ``fields`` the
constructs from small to large, ``outlines`` the ways to spell one message, ``messages`` whole messages; what
they give is bytes. ``values`` gives what the message layer builds bytes from.
"""
