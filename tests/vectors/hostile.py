"""Texts that try to be more than text."""

from __future__ import annotations

HOSTILE = {
    "SQL": "x'; DROP TABLE realtime.raw_events; --",
    "SQL with a dollar": "$$; SELECT pg_sleep(10); $$",
    "format characters": "%s %(x)s {0} ${jndi:ldap://127.0.0.1:1/x}",
    "HTML": "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "control characters": "a\x01\x07\x08\x1b[2J\x1b]0;title\x07\x7f\x85b",
    "line breaks": "a\r\nadctr: forged\n",
    "Redis protocol": "*1\r\n$8\r\nFLUSHALL\r\n",
    "glob": "*?[a-z]\\",
    "direction marks": "\u202egnp.exe\u2066\ufeff",
    "beyond the BMP": "😀\U0010ffff",
    "quotes": '"\'`\\"',
    "path": "../../../../etc/passwd",
}
