"""A charge point: dials, boots, beats, obeys. One file per feature profile, and one for its life."""

from ..station.decisions import Decisions
from .charge_point import ChargePoint
from .configuration import Configuration
from .options import ChargingOptions, Connecting, Pieces, Security, Surroundings
from .registration import boot, may_send, may_serve

__all__ = [
    "ChargePoint",
    "ChargingOptions",
    "Configuration",
    "Connecting",
    "Decisions",
    "Pieces",
    "Security",
    "Surroundings",
    "boot",
    "may_send",
    "may_serve",
]
