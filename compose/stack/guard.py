"""``python -m compose.stack.guard DIR``: takes the stack down when the command that owns it has ended."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from compose.stack.layout import Layout
from compose.stack.lifecycle import take_down
from compose.stack.processes.owner import owner_is_alive

_POLL_SECONDS = 0.5


def watch(layout: Layout) -> None:
    """Returns when nobody owns the stack any more; takes it down first if its owner vanished."""
    while (alive := owner_is_alive(layout)) is not None:
        if not alive:
            print(f"{time.strftime('%FT%TZ', time.gmtime())} the owner has ended; taking the stack down", flush=True)
            layout.owner.unlink(missing_ok=True)
            take_down(layout)
            return
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    watch(Layout.of(Path(sys.argv[1])))
