"""How faults strike: by chance, or by hanging up before the answer. `switches` lists them."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from starlette.requests import Request

_CLOSING = 0.02
"""Seconds after which the server has noticed that a connection is closed."""


def strikes(share: float) -> bool:
    """Whether a switch that affects a share of requests hits this one."""
    return share > 0 and random.random() < share


async def hang_up(request: Request) -> None:
    """Close the connection: the client never gets the answer."""
    # ASGI can't do this; uvicorn's request cycle, behind `receive`, holds the connection.
    receive: Any = request.receive
    receive.__self__.transport.close()
    await asyncio.sleep(_CLOSING)
