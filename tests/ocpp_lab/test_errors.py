"""The exception tree: what is definite, what was reported, and what an error says (DESIGN.md, Errors and probes)."""

from __future__ import annotations

import pytest

from ocpp_lab import errors
from ocpp_lab.errors import (
    CallFailed,
    CallTimeout,
    CallWithdrawn,
    ConnectionLost,
    Forbidden,
    FrameError,
    HandshakeRefused,
    IllegalTransition,
    MalformedReply,
    NotAccepted,
    NotConnected,
    OcppError,
    PayloadError,
    StoreFailed,
)
from ocpp_lab.frames import CallError

TABLE = [
    # error, definite (the peer did not act), reported (the peer said so itself)
    (FrameError("FormationViolation", None, "no frame"), None, False),
    (PayloadError("TypeConstraintViolation", "idTag"), None, False),
    (CallFailed("GenericError"), True, True),
    (MalformedReply("AuthorizeResponse: idTagInfo"), False, True),
    (CallTimeout(), False, False),
    (CallWithdrawn(), True, False),
    (ConnectionLost(), False, False),
    (NotConnected("nobody there"), True, False),
    (HandshakeRefused(404), True, False),
    (NotAccepted("Pending"), True, False),
    (StoreFailed("cp.db: database or disk is full"), True, False),
    (Forbidden("core 4.2"), True, False),
    (IllegalTransition("stopped", "connect", []), None, False),
]


@pytest.mark.parametrize(("error", "definite", "reported"), TABLE, ids=lambda value: type(value).__name__)
def test_definite_and_reported(error: OcppError, definite: bool | None, reported: bool) -> None:
    """DESIGN.md, decision 5: what to retry is a function of these two."""
    assert isinstance(error, OcppError)
    assert (error.definite, error.reported) == (definite, reported)


def test_the_table_is_complete() -> None:
    raised = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OcppError)}
    assert raised == {OcppError} | {type(error) for error, *_ in TABLE}


def test_a_refused_handshake_means_that_nothing_left_this_machine() -> None:
    """The status says why; whoever handles NotConnected handles it too."""
    refused = HandshakeRefused(401, "Unauthorized")
    assert isinstance(refused, NotConnected)
    assert (refused.status, str(refused)) == (401, "HTTP 401: Unauthorized")
    assert str(HandshakeRefused(503)) == "HTTP 503"


def test_a_withdrawn_call_is_a_timeout_too() -> None:
    """Whoever handles CallTimeout handles it; whoever asks whether the peer may have acted is told no."""
    assert isinstance(CallWithdrawn("taken back"), CallTimeout)


def test_a_timeout_that_nobody_can_answer_late() -> None:
    """One that was not raised by a `Pending` of ours knows of no late result; to ask for it is fine."""
    CallTimeout("no answer").on_late_result(pytest.fail)


def test_one_loss_many_exceptions() -> None:
    """Each caller gets an exception of its own, that tells of the same loss and of its own call."""
    lost = ConnectionLost("the connection was cut", code=1001, reason="bye")
    mine = CallError("7", "ConnectionClosed")
    again = lost.again(mine)
    assert again is not lost
    assert (str(again), again.code, again.reason, again.call_error) == ("the connection was cut", 1001, "bye", mine)
    assert lost.call_error is None


def test_an_illegal_transition_names_what_is_allowed() -> None:
    error = IllegalTransition("pending", "resumed", ["interval_over", "lost"])
    assert (error.state, error.event, error.allowed) == ("pending", "resumed", ["interval_over", "lost"])
    assert "'pending'" in str(error) and "'resumed'" in str(error) and "interval_over, lost" in str(error)
    assert "none" in str(IllegalTransition("stopped", "connect", []))


def test_a_call_error_keeps_code_description_and_details() -> None:
    """J-spec 4.2.3: the caller decides by them."""
    failed = CallFailed("GenericError", "no", {"why": 1})
    assert (failed.code, failed.description, failed.details, str(failed)) == (
        "GenericError",
        "no",
        {"why": 1},
        "GenericError: no",
    )
    assert str(CallFailed("GenericError")) == "GenericError"
    assert CallFailed("GenericError").details == {}


def test_a_frame_error_says_whom_to_answer() -> None:
    """J-spec 4.2.3: only a Call is ever answered with a CallError; ``reply_to`` is for the pending call."""
    bad_call = FrameError("FormationViolation", "1", "short")
    bad_reply = FrameError("FormationViolation", None, "short", reply_to="1")
    assert (bad_call.unique_id, bad_call.reply_to) == ("1", None)
    assert (bad_reply.unique_id, bad_reply.reply_to) == (None, "1")
    assert str(bad_call) == "FormationViolation: short"
