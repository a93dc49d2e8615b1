"""Bad weather on the wire: work that is done, and an answer that never arrives."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from starlette.requests import Request

_CLOSING = 0.02
"""Seconds after which the server has noticed that a connection is closed."""


def strikes(share: float) -> bool:
    """Does a switch that names a share of all requests hit this one?"""
    return share > 0 and random.random() < share


async def hang_up(request: Request) -> None:
    """Close the connection: whoever asked never learns what was answered."""
    # ASGI has no word for this; uvicorn's request cycle, behind `receive`, holds the connection.
    receive: Any = request.receive
    receive.__self__.transport.close()
    await asyncio.sleep(_CLOSING)
