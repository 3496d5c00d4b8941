"""Does every record on the topic stand where it should? A fold of the topic, compared with every store.

``scan``, ``tally``, ``fold``, ``compare``, ``ledger_check`` and ``report`` are pure; ``topic``, ``drain``, ``stores``
and ``verify`` do the reading.
"""
