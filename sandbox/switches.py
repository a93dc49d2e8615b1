"""What can be made to go wrong, switched from the control panel and the control API."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Switches:
    """Bad weather. Delays are seconds of real time, shares lie between 0 and 1."""

    duplicate: bool = False
    """Every webhook is sent twice."""
    reorder: bool = False
    """Webhooks leave in random order, up to two seconds late."""
    lose: bool = False
    """No webhook leaves; they can be resent later."""
    webhook_delay: float = 0.0
    webhooks_paused: bool = False
    """Webhooks wait until this is off again."""
    api_latency: float = 0.0
    api_fail: float = 0.0
    """The share of Stripe API requests answered 500 before anything happens."""
    twilio_fail: float = 0.0

    def change(self, wanted: dict[str, Any]) -> None:
        """Set the named switches; raises ValueError for an unknown name or a wrong value."""
        known = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        changed: dict[str, bool | float] = {}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"There is no switch named {name}.")
            changed[name] = (
                _as_bool(name, value) if known[name] is bool else _as_number(name, value)
            )
        for name, accepted in changed.items():
            setattr(self, name, accepted)

    def as_dict(self) -> dict[str, bool | float]:
        return asdict(self)


def _as_bool(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{name} is either true or false.")


def _as_number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} is a number, zero or more.")
    if name.endswith("_fail") and value > 1:
        raise ValueError(f"{name} is a share between 0 and 1.")
    return float(value)
