"""Dead letters and late events: listing, decoding, exporting, and replaying what was mended.

``letter``, ``view``, ``selection``, ``mending`` and ``export_file`` are pure; ``letter_topic`` reads Kafka, ``replay``
writes PostgreSQL.
"""
