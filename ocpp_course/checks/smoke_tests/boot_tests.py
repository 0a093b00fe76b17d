"""1.5: the learner's tests of boot and timeout, tried on right and on broken stacks."""

from __future__ import annotations

from typing import Any

from ..kit import Kit
from ..step import Step
from . import broken
from .bench import must_catch, must_pass
from .house_tests import boot_accepted_then_heartbeat, timeout_no_server_reply

step = Step(
    "1.5",
    "tests that boot and time out",
    ("boot_accepted_then_heartbeat", "timeout_no_server_reply"),
    points=3,
    minutes=20,
    reference=lambda: (boot_accepted_then_heartbeat, timeout_no_server_reply),
    judges=True,
)


@step.check("both pass on a right stack, also on a slow one")
async def passes_good(my: Any, kit: Kit) -> str:
    """A test that fails on a right stack is switched off within a week."""
    await must_pass(my.boot_accepted_then_heartbeat, kit)
    await must_pass(my.timeout_no_server_reply, kit)
    return "both pass"


@step.check("the boot test fails: no BootNotification comes")
async def catches_no_boot(my: Any, kit: Kit) -> str:
    """After power-on a charge point sends a BootNotification (core 4.2)."""
    said = "your test passes on a stack that never boots; look for the BootNotification in `received`."
    await must_catch(my.boot_accepted_then_heartbeat, kit, broken.no_boot(), said)
    return "caught"


@step.check("the boot test fails: a second boot follows the first")
async def catches_boot_twice(my: Any, kit: Kit) -> str:
    """Once accepted, a charge point should not boot again before something changes or it restarts (J-spec 5.4)."""
    said = "that stack boots again although its boot was accepted; count the boots (J-spec 5.4)."
    await must_catch(my.boot_accepted_then_heartbeat, kit, broken.boot_twice(), said)
    return "caught"


@step.check("the boot test fails: a Heartbeat comes before the boot")
async def catches_heartbeat_before_accepted(my: Any, kit: Kit) -> str:
    """Before its boot is accepted a charge point sends nothing else (core 4.2)."""
    said = "that stack sends a Heartbeat before its boot; look at what came first (core 4.2)."
    await must_catch(my.boot_accepted_then_heartbeat, kit, broken.heartbeat_before_accepted(), said)
    return "caught"


@step.check("the boot test fails: the cadence is not the interval")
async def catches_interval_ignored(my: Any, kit: Kit) -> str:
    """The interval in the boot's answer is the cadence of the heartbeats (core 4.2, 4.6)."""
    said = "that stack beats each 60 s, whatever interval it was given; look at the gaps between Heartbeats."
    await must_catch(my.boot_accepted_then_heartbeat, kit, broken.interval_ignored(), said)
    said = "only the first Heartbeat of that stack comes in time; wait for three and look at the gaps."
    await must_catch(my.boot_accepted_then_heartbeat, kit, broken.interval_kept_once(), said)
    said = "that stack beats four times as often as it should; enough heartbeats is no cadence: look at the gaps."
    await must_catch(my.boot_accepted_then_heartbeat, kit, broken.interval_too_short(), said)
    return "caught"


@step.check("the timeout test fails: the call never ends")
async def catches_timeout_never(my: Any, kit: Kit) -> str:
    """How long a call waits is limited (J-spec 4.1.1, core errata 3.82)."""
    said = "on that stack the call never ends, and your test does not notice; await the call, with a deadline."
    await must_catch(my.timeout_no_server_reply, kit, broken.timeout_never(), said)
    return "caught"


@step.check("the timeout test fails: the call returns None")
async def catches_timeout_as_result(my: Any, kit: Kit) -> str:
    """A call without an answer has no result; its caller must be told."""
    said = "on that stack the call returns None, and your test passes; assert that CallTimeout is raised."
    await must_catch(my.timeout_no_server_reply, kit, broken.timeout_as_result(), said)
    return "caught"


@step.check("the timeout test fails: the call raises ConnectionLost")
async def catches_timeout_as_lost(my: Any, kit: Kit) -> str:
    """Who calls must know that no answer came, and that the connection lives: CallTimeout says so."""
    said = "on that stack the call raises ConnectionLost, and your test passes; let `except` catch CallTimeout alone."
    await must_catch(my.timeout_no_server_reply, kit, broken.timeout_as_lost(), said)
    return "caught"


@step.check("the timeout test fails: the call stays pending")
async def catches_timeout_leaks_pending(my: Any, kit: Kit) -> str:
    """A call that ended is forgotten, or the connection stays taken: one call is in flight at a time (J-spec 4.1.1)."""
    said = (
        "the call ended, and that stack still counts it as pending; read `charge_point.pending`, or make one more call."
    )
    await must_catch(my.timeout_no_server_reply, kit, broken.timeout_leaks_pending(), said)
    return "caught"


@step.check("the timeout test fails: the call ends too early")
async def catches_timeout_early(my: Any, kit: Kit) -> str:
    """An answer may take as long as the timeout says (J-spec 4.1.1, core errata 3.82)."""
    said = "on that stack the call gives up long before its timeout, and a slow answer is lost; assert when it ends."
    await must_catch(my.timeout_no_server_reply, kit, broken.timeout_early(), said)
    return "caught"


@step.check("the timeout test fails: the call ends too late")
async def catches_timeout_late(my: Any, kit: Kit) -> str:
    """The timeout that was asked for is the one that counts (J-spec 4.1.1, core errata 3.82)."""
    said = "on that stack the call ends long after its timeout, and your test waits with it; assert when it ends."
    await must_catch(my.timeout_no_server_reply, kit, broken.timeout_late(), said)
    return "caught"
