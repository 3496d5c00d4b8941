"""Headers of dead letters and late events: Kafka Connect's names (KIP-298), and one of ours for what Connect lacks.

=====================================  ==============================================================================
``__connect.errors.topic``             the topic that the record was read from
``__connect.errors.partition``         its partition
``__connect.errors.offset``            its offset
``__connect.errors.connector.name``    who rejected it: the Flink job, ``adctr-store``
``__connect.errors.stage``             ``VALUE_CONVERTER``: the bytes are no ad event; ``TRANSFORMATION``: an ad event
                                       whose times break a rule
``__connect.errors.exception.message``  why: a code and words (`pipeline.contract.reasons`)
``__connect.errors.timestamp``         ours: the record time in ms since the epoch (also the letter's own record time,
                                       unless it is out of range, see `pipeline.contract.rules`)
``__connect.errors.shortened``         ours: the size in bytes of a record too large for a letter, else 0. The letter
                                       then has the beginning of key and value, and none of the record's headers
                                       (`pipeline.contract.letter_size`)
=====================================  ==============================================================================

All values are UTF-8 text. Key, value and the record's other headers are those of the record. Headers by such a name
that the record itself carries (it may be somebody's dead letter) are replaced where we have a value of our own, and say
nothing where we haven't; a letter's digest leaves them out.
"""

from __future__ import annotations

PREFIX = "__connect.errors."
TOPIC = PREFIX + "topic"
PARTITION = PREFIX + "partition"
OFFSET = PREFIX + "offset"
CONNECTOR_NAME = PREFIX + "connector.name"
STAGE = PREFIX + "stage"
MESSAGE = PREFIX + "exception.message"
TIMESTAMP = PREFIX + "timestamp"
SHORTENED = PREFIX + "shortened"
