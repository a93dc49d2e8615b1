"""Moves the clock of every Python process that `TEST_CLOCK=… bin/test` starts.

Python imports this automatically if the folder is on PYTHONPATH. Monotonic clocks and waits stay
real: only code that asks for the time of day sees the moved clock, which ticks on.
"""

from __future__ import annotations

import os
import time

import time_machine

OFFSET = float(os.environ["TEST_CLOCK_OFFSET"])
# A process may be delayed between asking for the time and setting its clock. Its clock would then
# lag behind the others, so it's set again.
CLOSE_ENOUGH = 0.001


traveller = time_machine.travel(0, tick=True).start()
real_time = time_machine.escape_hatch.time.time
while abs(real_time() + OFFSET - time.time()) > CLOSE_ENOUGH:
    traveller.move_to(real_time() + OFFSET, tick=True)
