"""Dead letters and late events: listing, decoding, exporting, and replaying repaired ones.

``letter``, ``view``, ``selection``, ``mending`` and ``export_file`` are pure; ``letter_topic`` reads Kafka, ``replay``
writes PostgreSQL.
"""
