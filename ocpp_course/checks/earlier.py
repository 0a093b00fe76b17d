"""`where_from`: where a name that is not defined comes from: an earlier step, the package, Python's library."""

from __future__ import annotations

import importlib.util
import sys

import ocpp_lab

from .step import MILESTONES, Step, steps


def where_from(name: str, step: Step) -> str:
    """What to do about a name that is not defined; "" if nothing here is called so."""
    if number := _step_of(name, step):
        take = f'{name} = mine("{number}")'
        if number == step.number:
            return f"It is what this step asks for: run the cell of step {number} from its top."
        return f"It is the piece of step {number}: run the cell of step {number}, or `{take}`."
    if name in ocpp_lab.__all__:
        return f"`from ocpp_lab import {name}` brings it: run the cell with the imports again."
    if name in sys.stdlib_module_names and importlib.util.find_spec(name):
        return f"It is a module of Python: `import {name}`."
    return ""


def kept_without(name: str, number: str) -> str:
    """What to do about a name that is missing in what was kept of a step."""
    line = f": `from ocpp_lab import {name}`" if name in ocpp_lab.__all__ else ""
    return (
        f"That is what was kept of step {number}. Put what is missing into the cell of step {number}{line}; then run "
        "that cell and its check again."
    )


def _step_of(name: str, step: Step) -> str:
    """The last step before this one, or this one, that hands in something of this name."""
    found = ""
    for milestone in MILESTONES:
        for each in steps(milestone):
            if name in each.names and not each.capstone:
                found = each.number
            if each.number == step.number:
                return found
    return found
