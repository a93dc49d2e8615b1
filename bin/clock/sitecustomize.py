"""Lets every Python process that `TEST_CLOCK=… bin/test` starts live at another moment.

Python imports this by itself where the folder is on PYTHONPATH. Monotonic clocks and waits stay
real, so only what asks for the time of day sees the moved clock, which ticks on.
"""

from __future__ import annotations

import os
import time

import time_machine

OFFSET = float(os.environ["TEST_CLOCK_OFFSET"])
# A process may be held up between asking for the time and setting its clock: then its clock would
# lag behind the others', so it is set again.
CLOSE_ENOUGH = 0.001


traveller = time_machine.travel(0, tick=True).start()
real_time = time_machine.escape_hatch.time.time
while abs(real_time() + OFFSET - time.time()) > CLOSE_ENOUGH:
    traveller.move_to(real_time() + OFFSET, tick=True)
