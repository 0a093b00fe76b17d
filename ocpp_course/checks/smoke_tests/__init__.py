"""Milestone 1: did anybody hear me, and how long do I wait?"""

from . import boot_tests, closing, decoding, encoding, flood_tests, friday_night, one_writer
from .bench import Bench
from .drill import drilled

STEPS = [
    decoding.step,
    encoding.step,
    one_writer.step,
    closing.step,
    boot_tests.step,
    flood_tests.step,
    friday_night.step,
]

__all__ = ["STEPS", "Bench", "drilled"]
