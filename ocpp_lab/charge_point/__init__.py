"""A charge point: dials, boots, beats, obeys. One file per feature profile, and one for its life."""

from .charge_point import ChargePoint
from .configuration import Configuration
from .registration import boot, may_send, may_serve

__all__ = ["ChargePoint", "Configuration", "boot", "may_send", "may_serve"]
