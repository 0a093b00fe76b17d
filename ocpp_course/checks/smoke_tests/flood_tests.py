"""1.6: the learner's tests of an unknown action, a flood and a cut, tried on right and on broken stacks."""

from __future__ import annotations

from typing import Any

from ..kit import Kit
from ..step import Step
from . import broken
from .bench import END, must_catch, must_pass
from .house_tests import (
    back_pressure_thousand_frames,
    server_close_resolves_pendings,
    unknown_action_yields_not_implemented,
)

step = Step(
    "1.6",
    "tests that flood and cut",
    ("unknown_action_yields_not_implemented", "back_pressure_thousand_frames", "server_close_resolves_pendings"),
    points=3,
    minutes=20,
    reference=lambda: (
        unknown_action_yields_not_implemented,
        back_pressure_thousand_frames,
        server_close_resolves_pendings,
    ),
    judges=True,
)


@step.check("all three pass on a right stack, also on a slow one", seconds=8)
async def passes_good(my: Any, kit: Kit) -> str:
    """A test that fails on a right stack is switched off within a week."""
    await must_pass(my.unknown_action_yields_not_implemented, kit, errors=True)
    await must_pass(my.back_pressure_thousand_frames, kit)
    await must_pass(my.server_close_resolves_pendings, kit, late=END)
    return "all pass"


@step.check("the first test fails: the code is NotSupported")
async def catches_wrong_code(my: Any, kit: Kit) -> str:
    """An action that nobody knows is NotImplemented; NotSupported is for one that is known (J-spec 4.2.3)."""
    said = "that stack answers NotSupported, which is for a known action; compare the code (J-spec 4.2.3)."
    await must_catch(my.unknown_action_yields_not_implemented, kit, broken.wrong_code(), said)
    return "caught"


@step.check("the first test fails: the answer has another id")
async def catches_wrong_id(my: Any, kit: Kit) -> str:
    """An answer carries the unique id of its call (J-spec 4.1.4)."""
    said = "that stack answers under another id, which nobody waits for; compare the ids (J-spec 4.1.4)."
    await must_catch(my.unknown_action_yields_not_implemented, kit, broken.wrong_id(), said)
    return "caught"


@step.check("the first test fails: after the error nothing is answered")
async def catches_dead_after_error(my: Any, kit: Kit) -> str:
    """A call that cannot be served is answered, and the session lives on (J-spec 4.2.3)."""
    said = "the answer was right and the session died of it; make one more call."
    await must_catch(my.unknown_action_yields_not_implemented, kit, broken.dead_after_error(), said)
    said = "after the error that stack answers every call with InternalError; the next call must get its CallResult."
    await must_catch(my.unknown_action_yields_not_implemented, kit, broken.sulks_after_error(), said)
    return "caught"


@step.check("the second test fails: 1,000 writes at once", seconds=8)
async def catches_parallel_writes(my: Any, kit: Kit) -> str:
    """One writer: never are two texts on the wire."""
    said = "all arrived, but 1,000 writes were in flight; read the probe."
    await must_catch(my.back_pressure_thousand_frames, kit, broken.parallel_writes(), said)
    said = "on that stack two writes were in flight, and your test allows it; never are two texts on the wire."
    await must_catch(my.back_pressure_thousand_frames, kit, broken.two_writers(), said)
    return "caught"


@step.check("the second test fails: 999 texts arrive", seconds=8)
async def catches_lost_frame(my: Any, kit: Kit) -> str:
    """What was accepted is sent."""
    said = "one on the wire at a time, and one lost; count what arrived."
    await must_catch(my.back_pressure_thousand_frames, kit, broken.lost_frame(kit.rng.randint(300, 900)), said)
    return "caught"


@step.check("the third test fails: only the first call ends")
async def catches_pending_forever(my: Any, kit: Kit) -> str:
    """When the connection dies, every call that waits is told."""
    said = "that stack ends the first call and forgets the rest; open three, and look at each."
    await must_catch(my.server_close_resolves_pendings, kit, broken.pending_forever(), said)
    return "caught"


@step.check("the third test fails: the calls end after 30 s")
async def catches_waits_out_timeout(my: Any, kit: Kit) -> str:
    """A dead connection answers nothing any more: its calls end at once."""
    said = "on that stack the calls end 30 s after the close, and your test passes; assert when they end."
    await must_catch(my.server_close_resolves_pendings, kit, broken.waits_out_timeout(), said)
    return "caught"


@step.check("the third test fails: the calls end with CallTimeout")
async def catches_close_as_timeout(my: Any, kit: Kit) -> str:
    """Who calls must know that the connection is gone: ConnectionLost says so, or NotConnected if nothing was sent."""
    said = "on that stack the calls end with CallTimeout, and your test passes; assert which error each ends with."
    await must_catch(my.server_close_resolves_pendings, kit, broken.close_as_timeout(), said)
    return "caught"
