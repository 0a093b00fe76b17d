# %% [markdown]
# ![20:20 on Friday night. Answers come late, crossed and twice. A blocked card charges.](../notebooks/pictures/04.svg)
#
# [START](../START.ipynb) · [notebook 4](../notebooks/04_call_correlation.ipynb) · **7 steps and a capstone, about 2 h 35, 20 points** · [exercise 5 →](05_lifecycle_loop.ipynb)
#
# # Exercise 4. Call correlation: whose answer is this?
#
# **20:20.** The database of the central system is slow. Answers come late, crossed and twice. One driver's
# transaction id lands in another driver's transaction.
#
# You write `Pending`, which finds the call that a reply belongs to, and `Session`, which sends calls and reads replies.
# At the end your own two pieces run inside a real charge point.
#
# - **Before:** notebook [4](../notebooks/04_call_correlation.ipynb), and steps 1.1 to 1.4.
# - **Level:** you have written coroutines, and used `asyncio.create_task` and a future or an `asyncio.Event` once.
# - **Points:** seven steps and a capstone, 20 points. **Time:** about 2 hours 35 minutes, an estimate. Each step says
#   its own. Take it in four sittings; between them everything that passed is kept.
#
# | sitting | steps | about |
# |---|---|---|
# | 1 | 4.1 by id, 4.2 errors | 30 minutes |
# | 2 | 4.3 timeouts, 4.4 names, 4.5 the end | 50 minutes |
# | 3 | 4.6 `Session.call` | 25 minutes |
# | 4 | 4.7 `Session.run`, capstone | 50 minutes |

# %% tags=["scaffold"]
from ocpp_course import lab
from ocpp_course import check, hint, mine, progress, solution, use_reference

guard = lab.Guard()
guard

# %% [markdown]
# Run a stub cell, then the cell below it: it says what is right, what is wrong, and why.
# Stuck? `hint("4.1")` gives one hint more each time. `solution("4.1")` shows our answer.
# `Pending = use_reference("4.1")` takes the package's piece, for no points.
#
# Your classes grow from step to step. `class Pending(mine("4.1")):` begins with what you wrote in 4.1, so only what is
# new has to be written. `mine` gives what passed its check, also after a restart of the kernel. While a step has not
# passed, it gives the package's class instead, and what is built on that earns no points.
#
# In brackets stands where OCPP says it: *J-spec* is OCPP-J 1.6, the JSON transport; *core* is OCPP 1.6 edition 2;
# *errata* are their official corrections; *whitepaper* is the security whitepaper.

# %% [markdown]
# ## 4.1 `Pending`: by id
#
# A reply carries the unique id of its call, and nothing else that says whose it is. `open` remembers a call under its
# id, before the call is sent. `settle` gets a reply and ends the call it belongs to. Several calls may wait at once,
# and each has a response type of its own.
#
# A *future* is a place for a result that is not there yet: the caller awaits it, and the reader puts the result in with
# `set_result`. `decode_payload(response_type, payload)` makes the typed response of a JSON object.
#
# A reply has a `unique_id`, and a `CallResult` has a `payload`. In this step every reply is a `CallResult` whose
# payload fits; the other kinds come in 4.2.

# %%
### STEP 4.1 · 2 points · 15 minutes
### HINT A reply carries the id of its call. So keep the calls that wait in a dict, by their ids.
### HINT A dict from id to (future, response type); `dict.pop(id, None)` takes an entry out, or gives None.
### HINT `future.set_result(decode_payload(response_type, frame.payload))`
import asyncio

from ocpp_lab import CallError, CallResult, decode_payload
from ocpp_lab.messages import Response


### BEGIN SOLUTION
class Pending:
    """The calls that await their replies."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[asyncio.Future, type[Response]]] = {}

    def __len__(self) -> int:
        """How many calls are pending."""
        return len(self._entries)

    def open(self, unique_id: str, response_type: type[Response]) -> asyncio.Future[Response]:
        """Remember a call; its future gets the response. Raises ValueError if that id is pending already."""
        if unique_id in self._entries:
            raise ValueError(f"a call with the id {unique_id!r} is pending already")
        future = asyncio.get_running_loop().create_future()
        self._entries[unique_id] = future, response_type
        return future

    def settle(self, frame: CallResult | CallError) -> str:
        """End the call that this reply belongs to, and forget it: its future is done, and it returns "resolved".

        If there is no such call, nothing changes, and it returns another word. It does not raise.
        """
        entry = self._entries.pop(frame.unique_id, None)
        if entry is None:
            return "unknown"
        future, response_type = entry
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG oldest-first -> any-order: this resolves whichever call is oldest; replies may come in any order.
class Pending(Pending):
    def settle(self, frame):
        if not self._entries:
            return "unknown"
        unique_id = next(iter(self._entries))
        future, response_type = self._entries.pop(unique_id)
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG overwrites -> refuses-same-id: the first caller now waits for ever.
class Pending(Pending):
    def open(self, unique_id, response_type):
        self._entries.pop(unique_id, None)
        return super().open(unique_id, response_type)


### WRONG keeps-entry -> forgets: 1,000 entries stay; a day later it is memory.
class Pending(Pending):
    def settle(self, frame):
        entry = self._entries.get(frame.unique_id)
        if entry is None:
            return "unknown"
        entry[0].set_result(decode_payload(entry[1], frame.payload))
        return "resolved"


### WRONG raw-dict -> typed: the caller got a dict; decode by the pending response type.
class Pending(Pending):
    def settle(self, frame):
        entry = self._entries.pop(frame.unique_id, None)
        if entry is None:
            return "unknown"
        entry[0].set_result(frame.payload)
        return "resolved"


### WRONG keyerror -> unknown-is-quiet: a reply for nobody killed the reader.
class Pending(Pending):
    def settle(self, frame):
        future, response_type = self._entries.pop(frame.unique_id)
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG newest-first -> any-order: a call got the reply of another; a reply belongs to the call with its id.
class Pending(Pending):
    def settle(self, frame):
        if not self._entries:
            return "unknown"
        future, response_type = self._entries.popitem()[1]
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG gives-the-frame -> any-order: the caller got a CallResult; it gets the response that `decode_payload` makes.
class Pending(Pending):
    def settle(self, frame):
        entry = self._entries.pop(frame.unique_id, None)
        if entry is None:
            return "unknown"
        entry[0].set_result(frame)
        return "resolved"


### WRONG one-type-for-all -> typed: calls of three types were open at once; each reply is read as the response type of
###       its own call.
class Pending(Pending):
    def open(self, unique_id, response_type):
        self.response_type = response_type
        return super().open(unique_id, response_type)

    def settle(self, frame):
        entry = self._entries.pop(frame.unique_id, None)
        if entry is None:
            return "unknown"
        entry[0].set_result(decode_payload(self.response_type, frame.payload))
        return "resolved"


### WRONG shared-dict -> forgets: two `Pending` share their entries; each connection has its own:
###      make the dict in `__init__`.
_ENTRIES = {}


class Pending(Pending):
    def __init__(self):
        self._entries = _ENTRIES


### WRONG used-ids -> refuses-same-id: that call is over; refuse an id only while its call is pending.
class Pending(Pending):
    def __init__(self):
        super().__init__()
        self.used = set()

    def open(self, unique_id, response_type):
        if unique_id in self.used:
            raise ValueError(f"{unique_id} was used")
        self.used.add(unique_id)
        return super().open(unique_id, response_type)


### WRONG default-entry -> unknown-is-quiet: a reply for nobody is no call: `len` stays as it was.
from collections import defaultdict


class Pending(Pending):
    def __init__(self):
        self._entries = defaultdict(lambda: (None, None))

    def settle(self, frame):
        future, _ = self._entries[frame.unique_id]
        return super().settle(frame) if future else "unknown"


### RIGHT linear-list
class Pending:
    def __init__(self):
        self.calls = []

    def __len__(self):
        return len(self.calls)

    def open(self, unique_id, response_type):
        if any(call[0] == unique_id for call in self.calls):
            raise ValueError(unique_id)
        future = asyncio.Future()
        self.calls.append((unique_id, future, response_type))
        return future

    def settle(self, frame):
        for call in self.calls:
            if call[0] == frame.unique_id:
                self.calls.remove(call)
                call[1].set_result(decode_payload(call[2], frame.payload))
                return "resolved"
        return "nobody"


### RIGHT is-a-dict
class Pending(dict):
    def open(self, unique_id, response_type, *, note=""):
        if unique_id in self:
            raise ValueError(f"{unique_id} is pending {note}")
        self[unique_id] = response_type, asyncio.Future()
        return self[unique_id][1]

    def settle(self, frame):
        try:
            response_type, future = self.pop(frame.unique_id)
        except KeyError:
            return "nobody's"
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### RIGHT two-dicts
class Pending:
    def __init__(self):
        self.futures, self.types = {}, {}

    def __len__(self):
        return len(self.futures)

    def open(self, unique_id, response_type):
        match self.futures:
            case {**known} if unique_id in known:
                raise ValueError("pending")
        self.types[unique_id] = response_type
        return self.futures.setdefault(unique_id, asyncio.get_running_loop().create_future())

    def settle(self, frame):
        try:
            future = self.futures.pop(frame.unique_id)
        except KeyError:
            return "orphan"
        future.set_result(decode_payload(self.types.pop(frame.unique_id), frame.payload))
        return "resolved"


### END SOLUTION

# %%
check("4.1", Pending)

# %% [markdown]
# ## 4.2 `Pending`: errors and wrong shapes
#
# A peer may refuse a call: it answers with a `CallError`. Or it answers with a `CallResult` whose payload is no such
# response. Both end the call. The exception is for the caller, who waits. `settle` itself is called by the reader, so
# it raises nothing: an exception there would end the reader, and with it all other calls.
#
# `CallFailed(code, description, details)` and `MalformedReply(text)` are exceptions of the package; a `CallError` has
# the fields `code`, `description` and `details`. `decode_payload` raises `PayloadError` if the payload does not fit.
#
# Two codes are misspelt in OCPP 1.6, and they stay so on the wire (J-errata 5.1, 5.2). Some peers write them in correct
# English. `CORRECT_ENGLISH` is a dict from that spelling to the one of 1.6.
#
# Your class of 4.1 grows: write `settle` anew. It takes the place of the old one.

# %%
### STEP 4.2 · 2 points · 15 minutes
### HINT There are two types of frame, and a call can end in three ways. Write down for each what the caller gets, and
###      which word `settle` returns.
### HINT Who should see the exception: the reader, who calls `settle`, or the caller, who awaits the future?
### HINT `except PayloadError as problem: future.set_exception(MalformedReply(str(problem)))`, and for a CallError
###      `code = CORRECT_ENGLISH.get(frame.code, frame.code)`.
import asyncio

from ocpp_lab import CallError, CallFailed, CallResult, MalformedReply, PayloadError, decode_payload
from ocpp_lab.frames import CORRECT_ENGLISH


### BEGIN SOLUTION
class Pending(mine("4.1")):
    """The calls that await their replies."""

    def settle(self, frame: CallResult | CallError) -> str:
        """End the call that this reply belongs to, and forget it. Never raises.

        A CallResult whose payload fits: the future gets the response; returns "resolved".
        A CallResult whose payload does not fit: the future raises `MalformedReply`; returns "malformed".
        A CallError: the future raises `CallFailed` with its code, description and details; returns "failed". A code in
        `CORRECT_ENGLISH` gets the spelling of 1.6; every other stays as it came. If there is no such call: another
        word.
        """
        future, response_type = self._entries.pop(frame.unique_id, (None, None))
        if future is None:
            return "unknown"
        if isinstance(frame, CallError):
            code = CORRECT_ENGLISH.get(frame.code, frame.code)
            future.set_exception(CallFailed(code, frame.description, frame.details))
            return "failed"
        try:
            response = decode_payload(response_type, frame.payload)
        except PayloadError as problem:
            future.set_exception(MalformedReply(str(problem)))
            return "malformed"
        future.set_result(response)
        return "resolved"


### WRONG result-for-error -> failed: the caller got a CallError as if it were an answer.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError) and frame.unique_id in self._entries:
            self._entries.pop(frame.unique_id)[0].set_result(frame)
            return "failed"
        return super().settle(frame)


### WRONG malformed-escapes -> settle-never-raises: the peer's bad payload raised in *your* reader.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError) or frame.unique_id not in self._entries:
            return super().settle(frame)
        future, response_type = self._entries.pop(frame.unique_id)
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG malformed-as-timeout -> malformed: the answer came; waiting 30 s more tells nobody anything.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallResult) and frame.unique_id in self._entries:
            try:
                decode_payload(self._entries[frame.unique_id][1], frame.payload)
            except PayloadError:
                return "malformed"
        return super().settle(frame)


### WRONG drops-details -> failed: code, description and details belong to the exception; the caller decides by them.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError):
            frame = CallError(frame.unique_id, frame.code, frame.description)
        return super().settle(frame)


### WRONG fails-all -> others-unhurt: two bad replies came, and 3 of three other calls ended with them.
class Pending(Pending):
    def settle(self, frame):
        fate = super().settle(frame)
        if fate == "malformed":
            for future, _ in self._entries.values():
                future.set_exception(MalformedReply("the peer talks nonsense"))
            self._entries.clear()
        return fate


### WRONG strict-spelling -> both-spellings: some peers write correct English; understand both, send one.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError) and frame.unique_id in self._entries:
            error = CallFailed(frame.code, frame.description, frame.details)
            self._entries.pop(frame.unique_id)[0].set_exception(error)
            return "failed"
        return super().settle(frame)


### WRONG all-to-english -> both-spellings: OccurenceConstraintViolation became OccurrenceConstraintViolation; only the
###       two spellings that 1.6 does not know are changed, to those of 1.6.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError) and frame.unique_id in self._entries:
            english = {right: wrong for wrong, right in CORRECT_ENGLISH.items()}
            code = CORRECT_ENGLISH.get(frame.code, english.get(frame.code, frame.code))
            error = CallFailed(code, frame.description, frame.details)
            self._entries.pop(frame.unique_id)[0].set_exception(error)
            return "failed"
        return super().settle(frame)


### WRONG case-blind -> both-spellings: 'formatViolation' became 'FormationViolation'; every code but the two of
###       `CORRECT_ENGLISH` stays as it came.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError):
            english = {right.lower(): wrong for right, wrong in CORRECT_ENGLISH.items()}
            code = english.get(frame.code.lower(), frame.code)
            frame = CallError(frame.unique_id, code, frame.description, frame.details)
        return super().settle(frame)


### WRONG strips-the-code -> both-spellings: ' FormatViolation' became 'FormationViolation'; every code but the two of
###       `CORRECT_ENGLISH` stays as it came.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError):
            frame = CallError(frame.unique_id, frame.code.strip(), frame.description, frame.details)
        return super().settle(frame)


### WRONG raises-the-error -> failed: a CallError raised in your reader; the exception is for the caller:
###       `future.set_exception`.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallError) and frame.unique_id in self._entries:
            raise CallFailed(frame.code, frame.description, frame.details)
        return super().settle(frame)


### WRONG still-an-answer -> malformed: what does not fit the response type becomes `MalformedReply`.
class Pending(Pending):
    def settle(self, frame):
        if isinstance(frame, CallResult) and frame.unique_id in self._entries:
            future, response_type = self._entries.pop(frame.unique_id)
            try:
                future.set_result(decode_payload(response_type, frame.payload))
            except Exception as problem:
                future.set_exception(problem)
            return "resolved"
        return super().settle(frame)


### WRONG error-as-result -> malformed: the caller got the exception as if it were an answer;
###      `future.set_exception` raises it.
class Pending(Pending):
    def settle(self, frame):
        future, response_type = self._entries.get(frame.unique_id, (None, None))
        try:
            decode_payload(response_type, getattr(frame, "payload", {}))
        except PayloadError as problem:
            if isinstance(frame, CallResult) and future:
                del self._entries[frame.unique_id]
                future.set_result(MalformedReply(str(problem)))
                return "malformed"
        return super().settle(frame)


### RIGHT match
class Pending:
    def __init__(self):
        self.calls = {}

    def __len__(self):
        return len(self.calls)

    def open(self, unique_id, response_type):
        if unique_id in self.calls:
            raise ValueError(unique_id)
        self.calls[unique_id] = asyncio.Future(), response_type
        return self.calls[unique_id][0]

    def settle(self, frame):
        if frame.unique_id not in self.calls:
            return "nobody's"
        future, wanted = self.calls.pop(frame.unique_id)
        match frame:
            case CallError(code=code):
                spelling = {"FormatViolation": "FormationViolation"}
                spelling["OccurrenceConstraintViolation"] = "OccurenceConstraintViolation"
                future.set_exception(CallFailed(spelling.get(code, code), frame.description, frame.details))
                return "failed"
            case CallResult(payload=payload):
                try:
                    future.set_result(decode_payload(wanted, payload))
                except PayloadError:
                    future.set_exception(MalformedReply(f"no {wanted.__name__}"))
                    return "malformed"
                return "resolved"


### RIGHT callbacks
class Pending:
    def __init__(self):
        self.callbacks = {}

    def __len__(self):
        return len(self.callbacks)

    def open(self, unique_id, response_type):
        if unique_id in self.callbacks:
            raise ValueError("pending")
        future = asyncio.get_running_loop().create_future()

        def on_reply(frame):
            word, error, response = read(frame, response_type)
            if error:
                future.set_exception(error)
            else:
                future.set_result(response)
            return word

        self.callbacks[unique_id] = on_reply
        return future

    def settle(self, frame):
        return self.callbacks.pop(frame.unique_id, lambda frame: "orphan")(frame)


def read(frame, response_type):
    if isinstance(frame, CallError):
        code = CORRECT_ENGLISH.get(frame.code, frame.code)
        return "failed", CallFailed(code, frame.description, frame.details), None
    try:
        return "resolved", None, decode_payload(response_type, frame.payload)
    except PayloadError as problem:
        return "malformed", MalformedReply(problem.description), None


### END SOLUTION

# %%
check("4.2", Pending)

# %% [markdown]
# ## 4.3 `expect`: timeouts and cancellation
#
# The session opens a call, sends it, and then awaits `pending.expect(future, timeout)`. A peer may never answer. So the
# wait can end in three ways: by the reply, by the timeout, or because the caller is cancelled. After each of them
# nothing of the call is left.
#
# Two of these may come at nearly the same time:
#
# - The caller was cancelled, and before it runs again its reply comes. If your `expect` awaits the future itself, the
#   future is done already, and `set_result` would raise `InvalidStateError`, in the reader. So `settle` first looks
#   whether the future is done. If it is, the reply ends nothing, whatever it holds, and `settle` returns the word that
#   you return for an unknown id. (If `expect` uses `asyncio.wait`, the future is not done yet, and the reply may end
#   it.) In both cases the caller stays cancelled.
# - The loop was busy, and now the reply and the timeout are due in the same turn. What comes first counts. If `settle`
#   came first and said "resolved", the caller gets the response, and no `CallTimeout`.
#
# Your class of 4.2 grows by `expect`, and `settle` looks at the future first. `super().settle(frame)` does the rest as
# before.

# %%
### STEP 4.3 · 3 points · 20 minutes
### HINT The wait can end in three ways: by the reply, by the timeout, by a cancellation. In each of them the call has
###      to be forgotten. Which statement of Python runs in all three?
### HINT `async with asyncio.timeout(timeout):` raises TimeoutError when time is over. And in `settle`: `future.done()`.
### HINT `try: … except TimeoutError:`; there `if future.done() and not future.cancelled(): return future.result()`,
###      else `raise CallTimeout(f"no answer within {timeout:g} s") from None`; then `finally: self._forget(future)`,
###      which takes out the entry that holds this future.
import asyncio

from ocpp_lab import CallError, CallResult, CallTimeout
from ocpp_lab.messages import Response


### BEGIN SOLUTION
class Pending(mine("4.2")):
    """The calls that await their replies."""

    def settle(self, frame: CallResult | CallError) -> str:
        """As in 4.2. Never raises, even if the future is done already: then nobody listens any more.

        Such a reply ends nothing, whatever it holds, so it gets the word that you return for an unknown id.
        """
        future, _ = self._entries.get(frame.unique_id, (None, None))
        if future is not None and future.done():
            self._forget(future)
            return "unknown"
        return super().settle(frame)

    async def expect(self, future: asyncio.Future[Response], timeout: float) -> Response:
        """The response of an open call, or its exception, as soon as it comes.

        It may have come already, before `expect` was called: then it counts, also if `timeout` is 0. Raises
        `CallTimeout` once it has waited `timeout` seconds without a reply. A caller that is cancelled meanwhile stays
        cancelled, also if its reply comes just then. When `expect` ends, its call is forgotten: `len` does not count it.
        """
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            if future.done() and not future.cancelled():
                return future.result()  # the reply came first, in the turn of the loop in which the time was over
            raise CallTimeout(f"no answer within {timeout:g} s") from None
        finally:
            self._forget(future)

    def _forget(self, future: asyncio.Future) -> None:
        for unique_id, entry in list(self._entries.items()):
            if entry[0] is future:
                del self._entries[unique_id]


### WRONG leaks-on-timeout -> timeout: after the timeout 1 entry is still pending.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            raise CallTimeout() from None


### WRONG leaks-on-cancel -> cancel-cleans: the caller went away, its entry did not.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError:
            self._forget(future)
            raise CallTimeout() from None


### WRONG one-timer -> timeout: it gave up later than its timeout; each call has its own deadline.
class Pending(Pending):
    async def expect(self, future, timeout):
        end = asyncio.get_running_loop().time() + timeout
        try:
            while not future.done():
                if asyncio.get_running_loop().time() >= end:
                    raise CallTimeout()
                await asyncio.wait([future], timeout=1)
            return future.result()
        finally:
            self._forget(future)


### WRONG bare-timeouterror -> timeout-chain: raise CallTimeout; callers decide by its being indefinite.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self._forget(future)


### WRONG set-on-done -> late-harmless: InvalidStateError: the future was done already;
###      ask `future.done()` before you end it.
class Pending(Pending):
    def settle(self, frame):
        future, response_type = self._entries.pop(frame.unique_id, (None, None))
        if future is None:
            return "unknown"
        if isinstance(frame, CallError):
            future.set_exception(CallFailed(frame.code, frame.description, frame.details))
            return "failed"
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG swallows-cancel -> cancel-cleans: a cancelled call must stay cancelled, not become a CallTimeout.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            return await asyncio.wait_for(future, timeout)
        except (TimeoutError, asyncio.CancelledError):
            raise CallTimeout() from None
        finally:
            self._forget(future)


### WRONG shared-clock -> own-clock: six calls waited together and did not end at their own timeouts; each has
###      its own deadline.
class Pending(Pending):
    _timer = None

    async def expect(self, future, timeout):
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(timeout, self._expire, future)
        try:
            return await future
        finally:
            self._timer.cancel()
            self._forget(future)

    def _expire(self, future):
        if not future.done():
            future.set_exception(CallTimeout())


### WRONG guards-results-only -> late-harmless: InvalidStateError: the future was done already;
###      ask `future.done()` before you end it.
class Pending(Pending):
    def settle(self, frame):
        future, response_type = self._entries.pop(frame.unique_id, (None, None))
        if future is None:
            return "unknown"
        if isinstance(frame, CallError):
            code = CORRECT_ENGLISH.get(frame.code, frame.code)
            future.set_exception(CallFailed(code, frame.description, frame.details))
            return "failed"
        try:
            response = decode_payload(response_type, frame.payload)
        except PayloadError as problem:
            future.set_exception(MalformedReply(str(problem)))
            return "malformed"
        if future.done():
            return "unknown"
        future.set_result(response)
        return "resolved"


### WRONG says-resolved -> late-harmless: the future was done already, so this reply ended nothing: another word.
class Pending(Pending):
    def settle(self, frame):
        future, _ = self._entries.get(frame.unique_id, (None, None))
        if future and future.done():
            return "resolved"  # nobody listens, so what does it matter?
        return super().settle(frame)


### WRONG timeout-first -> one-story: `settle` said "resolved", and the caller got a CallTimeout; a reply in the same
###       turn, just before the timeout, counts.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise CallTimeout(f"no answer within {timeout:g} s") from None
        finally:
            self._forget(future)


### WRONG all-by-then -> cancel-cleans: a cancelled call must stay cancelled: let CancelledError go on.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            return await super().expect(future, timeout)
        except asyncio.CancelledError:
            return None


### WRONG forgets-4.2 -> as-before: the peer's bad payload raised in *your* reader.
class Pending(Pending):
    def settle(self, frame):
        future, response_type = self._entries.pop(frame.unique_id, (None, None))
        if future is None or future.done():
            return "unknown"
        if isinstance(frame, CallError):
            code = CORRECT_ENGLISH.get(frame.code, frame.code)
            future.set_exception(CallFailed(code, frame.description, frame.details))
            return "failed"
        future.set_result(decode_payload(response_type, frame.payload))
        return "resolved"


### WRONG gives-the-future -> on-time: `expect` gave the future itself; `await` it, so that the caller gets what is in
###       it.
class Pending(Pending):
    async def expect(self, future, timeout):
        self._forget(future)
        return future


### WRONG returns-the-error -> timeout: the caller got the exception as an answer; raise it.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            return await super().expect(future, timeout)
        except CallTimeout as error:
            return error


### WRONG zero-first -> on-time: the reply came before `expect` was called with a timeout of 0; it counts, so look at the
###       future first.
class Pending(Pending):
    async def expect(self, future, timeout):
        if timeout <= 0:
            self._forget(future)
            raise CallTimeout("no time")
        return await super().expect(future, timeout)


### WRONG forgets-soon -> timeout: `expect` raised, and its call was still pending; forget it before `expect` ends.
class Pending(Pending):
    def _forget(self, future):
        asyncio.get_running_loop().call_soon(super()._forget, future)


### WRONG reply-undoes-cancel -> late-harmless: a caller was cancelled, then its reply came, and CancelledError did not
###       go on; a cancelled caller stays so.
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            await asyncio.wait([future], timeout=timeout)
        except asyncio.CancelledError:
            if not future.done():
                raise
        finally:
            self._forget(future)
        if not future.done():
            raise CallTimeout(f"no answer within {timeout:g} s")
        return future.result()


### WRONG no-return -> own-clock: `settle` ended a call, and returned None instead of the word; does each path end with
###       `return`?
class Pending(Pending):
    def settle(self, frame):
        future, _ = self._entries.get(frame.unique_id, (None, None))
        if future is not None and future.done():
            self._forget(future)
            return "unknown"
        super().settle(frame)


### WRONG dict-in-the-class -> on-time: two `Pending` share their entries; each connection has its own: make the dict in
###       `__init__`.
class Pending(Pending):
    def __init__(self):
        pass


Pending._entries = {}  # as if written in the body of the class


### WRONG no-zero -> timeout: 0 seconds is a timeout too, and a short one.
class Pending(Pending):
    async def expect(self, future, timeout):
        return await super().expect(future, timeout or 10**9)


### RIGHT call-later
class Pending(Pending):
    async def expect(self, future, timeout):
        def expire():
            if not future.done():
                future.set_exception(CallTimeout(f"{timeout} s"))

        timer = asyncio.get_running_loop().call_later(timeout, expire)
        try:
            return await future
        finally:
            timer.cancel()
            self._entries = {key: entry for key, entry in self._entries.items() if entry[0] is not future}


### RIGHT wait-and-look
class Pending(Pending):
    async def expect(self, future, timeout):
        try:
            done, _ = await asyncio.wait({future}, timeout=timeout)
            if not done:
                raise CallTimeout()
            return await future
        finally:
            self._forget(future)


### RIGHT wait-for
class Pending(Pending):
    def open(self, unique_id, response_type):
        future = super().open(unique_id, response_type)
        future.add_done_callback(lambda done: self._end(unique_id, done))
        return future

    def _end(self, unique_id, future):
        if self._entries.get(unique_id, (None,))[0] is future:
            del self._entries[unique_id]

    async def expect(self, future, timeout):
        try:
            return await asyncio.wait_for(asyncio.shield(future), timeout)
        except TimeoutError as error:
            if future.done():
                return await future
            future.cancel()
            self._forget(future)
            raise CallTimeout("too slow") from error
        except asyncio.CancelledError:
            self._forget(future)
            raise


### END SOLUTION

# %%
check("4.3", Pending)

# %% [markdown]
# ## 4.4 `settle` names them: late, repeated, orphan
#
# Some replies fit no pending call. There are three kinds, and each needs another repair. So each has a name and a
# counter.
#
# | word | what happened | what is wrong |
# |---|---|---|
# | `"late"` | its call timed out, or was cancelled | the peer is slow, or the timeout is too short |
# | `"repeated"` | its call had an answer already, good or bad | somebody sends answers twice |
# | `"orphan"` | no call had this id, or it is forgotten | one of both ends has a bug |
#
# To tell them apart, `Pending` remembers how the last calls ended: their number is `remember`. It cannot remember all,
# because a central system runs for months. Calls that are still pending take no room from those, and are never
# forgotten.
#
# Your class of 4.3 grows: `settle` names the strays and counts every word that it returns. (The fault *wrong id*
# answers call 7 under the id `not-7`. That is an orphan.)

# %%
### STEP 4.4 · 2 points · 15 minutes
### HINT When a call ends, write down its id and how it ended. If that list is full, throw out the entry that came in
###      first.
### HINT `collections.OrderedDict`; `popitem(last=False)` throws out what was put in first. Where does a call end? In
###      `settle`, and in what `expect` does at its end.
### HINT `match self._ended.get(unique_id): case None: "orphan" case "answered": "repeated" case _: "late"`; for a call
###      that waits, `super().settle(frame)` has the word already.
import asyncio
from collections import Counter, OrderedDict

from ocpp_lab import CallError, CallResult


### BEGIN SOLUTION
class Pending(mine("4.3")):
    """The calls that await their replies.

    `counts` holds, for each word that `settle` returns, how often it did: `pending.counts["late"]`, 0 if never.
    """

    def __init__(self, *, remember: int = 256) -> None:
        """`remember`: of so many ended calls, the newest, it is known how they ended. Older ones are forgotten.

        An id whose call has ended may be used again: that is a new call.
        """
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._remember = remember
        self._ended: OrderedDict[str, str] = OrderedDict()

    def settle(self, frame: CallResult | CallError) -> str:
        """As in 4.3, and each word is counted. The words for a reply that fits no pending call:

        "late": its call timed out or was cancelled. "repeated": its call had an answer already, good or bad.
        "orphan": no call had that id, or it is forgotten. Such a reply changes nothing: a copy of it gets the same
        word, and no ended call becomes a newer one.
        """
        word = self._settle(frame)
        self.counts[word] += 1
        return word

    def _settle(self, frame: CallResult | CallError) -> str:
        future, _ = self._entries.get(frame.unique_id, (None, None))
        if future is None:
            names = {None: "orphan", "answered": "repeated"}
            return names.get(self._ended.get(frame.unique_id), "late")
        if future.done():
            self._end(frame.unique_id, "gone")
            return "late"
        word = super().settle(frame)
        self._end(frame.unique_id, "answered")
        return word

    def _forget(self, future: asyncio.Future) -> None:
        for unique_id, entry in list(self._entries.items()):
            if entry[0] is future:
                self._end(unique_id, "gone")

    def _end(self, unique_id: str, how: str) -> None:
        self._entries.pop(unique_id, None)
        self._ended.pop(unique_id, None)  # an id that ended once more is the newest
        self._ended[unique_id] = how
        if len(self._ended) > self._remember:
            self._ended.popitem(last=False)


### WRONG all-orphan -> late: a slow peer and a confused peer need different repairs; tell them apart.
class Pending(Pending):
    def _settle(self, frame):
        word = super()._settle(frame)
        return "orphan" if word in ("late", "repeated") else word


### WRONG unbounded-set -> bounded: the id of 5,000 calls ago is still remembered; keep the last `remember` of them.
class Pending(Pending):
    def __init__(self, *, remember=256):
        super().__init__(remember=10**9)


### WRONG forgets-newest -> bounded: the newest was forgotten, the oldest kept.
class Pending(Pending):
    def _end(self, unique_id, how):
        self._entries.pop(unique_id, None)
        if len(self._ended) < self._remember:
            self._ended[unique_id] = how


### WRONG late-is-repeated -> late: it expired, it was never answered.
class Pending(Pending):
    def _end(self, unique_id, how):
        super()._end(unique_id, "answered")


### WRONG history-first -> id-again: a new call under an old id was called late.
class Pending(Pending):
    def _settle(self, frame):
        if frame.unique_id in self._ended:
            return "repeated" if self._ended[frame.unique_id] == "answered" else "late"
        return super()._settle(frame)


### WRONG guesses-by-name -> orphan: judged by how the id looks; the check draws other ids.
class Pending(Pending):  # a cheat: it knows the ids of the fault "wrong id"
    def _settle(self, frame):
        word = super()._settle(frame)
        if word not in ("late", "orphan"):
            return word
        return "orphan" if frame.unique_id.startswith("not-") else "late"


### WRONG counts-strays-only -> counts: count every word that `settle` returns, good or bad, once.
class Pending(Pending):
    def settle(self, frame):
        word = self._settle(frame)
        if word in ("late", "repeated", "orphan"):
            self.counts[word] += 1
        return word


### WRONG plain-dict -> counts: a word that was never returned counts 0; a `Counter` knows that.
class Pending(Pending):
    def __init__(self, *, remember=256):
        super().__init__(remember=remember)
        self.counts = {}

    def settle(self, frame):
        word = self._settle(frame)
        self.counts[word] = self.counts.get(word, 0) + 1
        return word


### WRONG refused-is-late -> repeated: a bad answer is an answer too; what comes after it is one more copy: repeated.
class Pending(Pending):
    def _settle(self, frame):
        word = super()._settle(frame)
        if word in ("failed", "malformed"):
            self._ended[frame.unique_id] = "gone"
        return word


### WRONG keeps-old-place -> id-again: an id that was used again is as old as its newest call;
###      it was forgotten too early.
class Pending(Pending):
    def _end(self, unique_id, how):
        self._entries.pop(unique_id, None)
        self._ended[unique_id] = how
        if len(self._ended) > self._remember:
            self._ended.popitem(last=False)


### WRONG one-memory-for-all -> bounded: a call was pending while many others ended, and was forgotten; `remember`
###       bounds the ended calls only.
class Pending(Pending):
    def _end(self, unique_id, how):
        super()._end(unique_id, how)
        while len(self._entries) + len(self._ended) > self._remember:
            if self._entries:
                self._entries.pop(next(iter(self._entries)))
            else:
                self._ended.popitem(last=False)


### WRONG one-more -> bounded: more than the last `remember` ids are known.
class Pending(Pending):
    def __init__(self, *, remember=256):
        super().__init__(remember=remember + 1)


### WRONG forgets-4.3 -> as-before: the reply came before `expect` was called; it counts.
class Pending(Pending):
    async def expect(self, future, timeout):
        if not any(entry[0] is future for entry in self._entries.values()):
            return None  # nobody waits for that any more
        return await super().expect(future, timeout)


### WRONG one-fewer -> bounded: fewer than the last `remember` ids are known.
class Pending(Pending):
    def _end(self, unique_id, how):
        super()._end(unique_id, how)
        if len(self._ended) >= self._remember:
            self._ended.popitem(last=False)


### WRONG pending-takes-room -> bounded: 3 calls were pending, and of the last 4 that ended 1 were known; what is pending
###       takes no room.
class Pending(Pending):
    def _end(self, unique_id, how):
        super()._end(unique_id, how)
        while self._ended and len(self._ended) + len(self._entries) > self._remember:
            self._ended.popitem(last=False)


### WRONG consumes -> late: a late reply came twice, and the copy was called 'orphan'; a copy gets the same word.
class Pending(Pending):
    def _settle(self, frame):
        word = super()._settle(frame)
        if word == "late":
            self._ended.pop(frame.unique_id, None)
        return word


### WRONG done-is-repeated -> late: the future was done, but by its caller who went away, not by an answer: late.
class Pending(Pending):
    def _settle(self, frame):
        future, _ = self._entries.get(frame.unique_id, (None, None))
        return "repeated" if future and future.done() else super()._settle(frame)


### RIGHT deque-and-dict
from collections import deque


class Pending(Pending):
    def __init__(self, *, remember=256):
        super().__init__(remember=remember)
        self.order, self.ends = deque(), {}

    def _settle(self, frame):
        if frame.unique_id not in self._entries and frame.unique_id in self.ends:
            return self.ends[frame.unique_id]
        return super()._settle(frame)

    def _end(self, unique_id, how):
        self._entries.pop(unique_id, None)
        if unique_id in self.ends:
            self.order.remove(unique_id)
        self.order.append(unique_id)
        self.ends[unique_id] = {"answered": "repeated"}.get(how, "late")
        while len(self.order) > self._remember:
            self.ends.pop(self.order.popleft())


### RIGHT two-deques
from collections import deque


class Pending(Pending):
    def __init__(self, *, remember=256):
        super().__init__(remember=remember)
        self.heard, self.missed = deque(maxlen=remember), deque(maxlen=remember)

    def open(self, unique_id, response_type):
        future = super().open(unique_id, response_type)
        for ids in (self.heard, self.missed):
            if unique_id in ids:
                ids.remove(unique_id)
        return future

    def settle(self, frame):
        if frame.unique_id in self._entries:
            word = super()._settle(frame)
        elif frame.unique_id in self.heard:
            word = "repeated"
        else:
            word = "late" if frame.unique_id in self.missed else "orphan"
        self.counts.update([word])
        return word

    def _end(self, unique_id, how):
        self._entries.pop(unique_id, None)
        (self.heard if how == "answered" else self.missed).append(unique_id)


### END SOLUTION

# %%
check("4.4", Pending)

# %% [markdown]
# ## 4.5 `fail_all`: the connection is gone
#
# An id belongs to one connection. When that is gone, no reply can come any more. Thirty callers must not wait until
# thirty timeouts are over. They are told now, with the error that says why. Each caller may get the error itself, or an
# exception of its own with the same type and text. (The package makes one for each.)
#
# A caller that is told may try again in the same instant. It finds no call pending, and `open` raises the error.
#
# If nobody ever awaits a future that holds an exception, asyncio warns. `future.exception()` looks at the exception,
# and then asyncio does not warn.
#
# Your class of 4.4 grows by `fail_all`, and `open` looks whether the end has come. This is the last step of `Pending`.

# %%
### STEP 4.5 · 2 points · 15 minutes
### HINT A caller that is told may open another call at once. So first take all calls out, then tell their callers.
### HINT `list(self._entries.items())` is a copy that does not change while you loop over it. Some futures may be done.
### HINT `if not future.done(): future.set_exception(error); future.exception()` and, in `open`,
###      `if self._error: raise self._error`.
import asyncio

from ocpp_lab.messages import Response


### BEGIN SOLUTION
class Pending(mine("4.4")):
    """The calls that await their replies, until the connection ends.

    `settle` may still be called after `fail_all`. Such replies end nothing: the word is late, repeated or orphan.
    """

    def __init__(self, *, remember: int = 256) -> None:
        """As in 4.4."""
        super().__init__(remember=remember)
        self._error: Exception | None = None

    def open(self, unique_id: str, response_type: type[Response]) -> asyncio.Future[Response]:
        """As in 4.1. After `fail_all` it always raises the error given there, or one of the same type and text."""
        if self._error:
            raise self._error
        return super().open(unique_id, response_type)

    def fail_all(self, error: Exception) -> int:
        """The connection is gone: end every pending call with this error, at once. Returns how many it ended, maybe 0.

        A future that is done already stays as it is, and is not counted. No call is pending afterwards. Where nobody
        awaits a future, asyncio must not warn that its exception was never retrieved.
        """
        self._error = error
        calls = [(unique_id, future) for unique_id, (future, _) in self._entries.items()]
        waiting = [future for _, future in calls if not future.done()]
        for unique_id, _ in calls:
            self._end(unique_id, "gone")
        for future in waiting:
            future.set_exception(error)
            future.exception()
        return len(waiting)


### WRONG mutates-while-iterating -> all-at-once: the dict changed during the loop; take the entries out first.
class Pending(Pending):
    def fail_all(self, error):
        self._error, number = error, len(self._entries)
        for unique_id, (future, _) in self._entries.items():
            self._end(unique_id, "gone")
            if not future.done():
                future.set_exception(error)
                future.exception()
        return number


### WRONG cancels -> all-at-once: callers saw CancelledError and believe *they* were cancelled.
class Pending(Pending):
    def fail_all(self, error):
        self._error, calls = error, list(self._entries.items())
        for unique_id, (future, _) in calls:
            self._end(unique_id, "gone")
            future.cancel()
        return len(calls)


### WRONG waits-out -> all-at-once: pending calls ended after their timeouts; the connection is gone now.
class Pending(Pending):
    def fail_all(self, error):
        self._error = error
        return len(self._entries)


### WRONG stays-open -> closed: a call opened after the end waits for ever.
class Pending(Pending):
    def fail_all(self, error):
        number = super().fail_all(error)
        self._error = None
        return number


### WRONG nothing-to-end -> closed: the connection ended while no call was pending, and a call opened after it waits for
###       ever.
class Pending(Pending):
    def fail_all(self, error):
        if not len(self):
            return 0
        return super().fail_all(error)


### WRONG raises-once -> closed: the first `open` after the end raised the error, and the second did not; each of them
###       raises it.
class Pending(Pending):
    def open(self, unique_id, response_type):
        error, self._error = self._error, None
        if error:
            raise error
        return super().open(unique_id, response_type)


### WRONG sets-on-done -> each-once: `fail_all` raised InvalidStateError: a future was done already; ask `future.done()`
###       before you end it.
class Pending(Pending):
    def fail_all(self, error):
        self._error, calls = error, list(self._entries.items())
        for unique_id, (future, _) in calls:
            self._end(unique_id, "gone")
            future.set_exception(error)
            future.exception()
        return len(calls)


### WRONG keeps-entries -> reentrant: a caller that was told still found its call pending; take the entries out.
class Pending(Pending):
    def fail_all(self, error):
        told = [future for future, _ in self._entries.values() if not future.done()]
        self._error = error
        for future in told:
            future.set_exception(error)
            future.exception()
        return len(told)


### WRONG never-looked-at -> unawaited-quiet: asyncio complains of exceptions that nobody retrieved;
###      `future.exception()` retrieves one.
class Pending(Pending):
    def fail_all(self, error):
        self._error, calls, number = error, list(self._entries.items()), 0
        for unique_id, (future, _) in calls:
            self._end(unique_id, "gone")
            if not future.done():
                future.set_exception(error)
                number += 1
        return number


### WRONG raises-in-settle -> reentrant: a reply after the end resolves nothing and raises nothing.
class Pending(Pending):
    def settle(self, frame):
        if self._error:
            raise self._error
        return super().settle(frame)


### WRONG counts-done -> each-once: a future that was done already was counted too; `fail_all` returns how many calls it
###       ended.
class Pending(Pending):
    def fail_all(self, error):
        number = len(self._entries)
        super().fail_all(error)
        return number


### WRONG tells-nobody -> all-at-once: 900 of 1,000 calls were not told.
class Pending(Pending):
    def fail_all(self, error):
        self._error, calls = error, list(self._entries)
        for unique_id in calls[:100]:
            future, _ = self._entries[unique_id]
            self._end(unique_id, "gone")
            future.set_exception(error)
            future.exception()
        self._entries.clear()
        return len(calls)


### WRONG forgets-4.4 -> as-before: the id of 255 calls ago is still remembered; keep the last `remember` of them.
class Pending(Pending):
    def __init__(self, *, remember=256):
        super().__init__()


### WRONG is-coroutine -> all-at-once: nobody awaits `fail_all`: it ends the calls before it returns.
class Pending(Pending):
    async def fail_all(self, error):
        return super().fail_all(error)


### WRONG looks-it-up -> each-once: the connection went while the call was being sent;
###      `expect` gives what its future holds.
class Pending(Pending):
    async def expect(self, future, timeout):
        next(unique_id for unique_id, entry in self._entries.items() if entry[0] is future)
        return await super().expect(future, timeout)


### RIGHT popitem
class Pending(Pending):
    def fail_all(self, error):
        self._error, number = error, 0
        while self._entries:
            unique_id, (future, _) = self._entries.popitem()
            self._ended[unique_id] = "gone"
            if future.done():
                continue
            future.add_done_callback(lambda done: done.exception())
            future.set_exception(error)
            number += 1
        return number


### RIGHT swap
class Pending(Pending):
    def fail_all(self, error):
        entries, self._entries = self._entries, {}
        self._error = error
        waiting = [future for future, _ in entries.values() if not future.done()]
        for future in waiting:
            future.set_exception(type(error)(str(error)))  # an exception for each
            future.exception()
        return len(waiting)

    def settle(self, frame):
        if self._error:
            self.counts["late"] += 1
            return "late"
        return super().settle(frame)


### END SOLUTION

# %%
check("4.5", Pending)

# %% [markdown]
# ## 4.6 `Session.call`: one in flight
#
# `Pending` knows whose answer it is. Now to the call itself: take an id, open, send, expect. Each end should have at
# most one own call on the wire (J-spec 4.1.1), so the other callers wait for their turn. The wait in our own queue is
# not the peer's fault, so the timeout begins when `transport.send` returns.
#
# When a call has ended, by its answer, any error or a timeout, the next one goes out at once.
#
# A caller may be cancelled while its call is on the wire. The caller is free at once. The call is still unanswered,
# because the peer knows nothing of the cancellation. The rule is a SHOULD NOT, so there are two right answers. Either
# the next call goes out at once; that is simpler. Or, like in the package, it goes out after the reply to the cancelled
# call, or after its timeout, and not before.
#
# A caller may also be cancelled while `send` still waits, because the transport takes nothing more at the moment. Then
# nothing was sent, and nobody will answer. So forget that call: `future.cancel()`, and then
# `await self._pending.expect(future, 0)`: it forgets the call and raises CancelledError, which your caller has to get.
#
# In this step the check reads the connection and calls `pending.settle` and, at the end, `pending.fail_all`. In 4.7
# your `run` does.
#
# - `encode_payload(request)` checks a request and gives the payload of its `Call`. It raises `PayloadError`.
# - `encode(frame)` gives the text. `await transport.send(text)` sends it, and raises `ConnectionLost` after the end.
#   You need not catch that one in `call`.
# - `request.action` is its name, `request.response_type` the type of its response.

# %%
### STEP 4.6 · 2 points · 25 minutes
### HINT From which line to which line must no other call come in between? Something has to be held there, and it must
###      give the turn to whoever waits longest.
### HINT An `asyncio.Lock` is fair: `async with self._lane:` around open, send and expect. The timeout belongs inside
###      it.
### HINT `except ConnectionLost as lost: raise NotConnected(…) from lost` around `open`. `except
###      asyncio.CancelledError:` around `send`, and in it `future.cancel()`, `await self._pending.expect(future, 0)`,
###      `raise`.
import asyncio
from collections.abc import Iterator

from ocpp_lab import Call, ConnectionLost, NotConnected, encode, encode_payload
from ocpp_lab.messages import Request, Response


### BEGIN SOLUTION
class Session:
    """Calls to the peer at the other end of one transport."""

    def __init__(self, transport, router, pending, *, ids: Iterator[str], timeout: float = 30.0) -> None:
        """`pending` is a `Pending`; `router` is for step 4.7; `ids` yields fresh unique ids; `timeout` in seconds."""
        self._transport = transport
        self._router = router
        self._pending = pending
        self._ids = ids
        self._timeout = timeout
        self._lane = asyncio.Lock()

    async def call(self, request: Request, *, timeout: float | None = None) -> Response:
        """Send a request, and return its response. One own call is in flight; other callers wait, in their order.

        Each call takes the next id of `ids`. `timeout` is in seconds; None means that of the session. It begins when
        `transport.send` returns. When a call ends by its answer, any error or a timeout, the next one goes out at once.
        A cancelled caller is free at once, with CancelledError; the next call goes out at once or, like the package,
        after the reply or the timeout.

        Raises what `pending.expect` raises, and `PayloadError` if the request is no good. Once the connection is gone,
        `pending.open` raises `ConnectionLost`; `call` then raises `NotConnected`, because nothing left this machine.
        What is never sent leaves nothing open in `pending`: a request that is no good, and a caller that goes away
        before its turn or while `send` waits.
        """
        payload = encode_payload(request)
        async with self._lane:
            call = Call(next(self._ids), request.action, payload)
            try:
                future = self._pending.open(call.unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected(f"{request.action} was not sent: {lost}") from lost
            try:
                await self._transport.send(encode(call))
            except asyncio.CancelledError:
                future.cancel()  # nothing was sent, so nobody will answer
                await self._pending.expect(future, 0)  # forgets it, and raises CancelledError
                raise
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)


### WRONG no-lock -> one-in-flight: two own calls were unanswered at once (J-spec 4.1.1).
class Session(Session):
    async def call(self, request, *, timeout=None):
        self._lane = asyncio.Lock()
        return await super().call(request, timeout=timeout)


### WRONG last-first -> fair: callers overtook each other; whoever waits longest goes first.
class Session(Session):
    def __init__(self, *pieces, **options):
        super().__init__(*pieces, **options)
        self._busy, self._waiting = False, []

    async def call(self, request, *, timeout=None):
        while self._busy:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._busy = True
        try:
            return await super().call(request, timeout=timeout)
        finally:
            self._busy = False
            while self._waiting:
                turn = self._waiting.pop()
                if not turn.done():
                    turn.set_result(None)
                    break


### WRONG timeout-around-lock -> timeout-from-send: the wait in your own queue was counted; the timeout begins when the
###       frame is sent.
from ocpp_lab import CallTimeout


class Session(Session):
    async def call(self, request, *, timeout=None):
        limit = self._timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(limit):
                return await super().call(request, timeout=limit)
        except TimeoutError:
            raise CallTimeout() from None


### WRONG lock-leak -> frees-on-timeout/cancel/error: a call timed out, and after it nothing is ever sent.
class Session(Session):
    async def call(self, request, *, timeout=None):
        await self._lane.acquire()
        call = Call(next(self._ids), request.action, encode_payload(request))
        future = self._pending.open(call.unique_id, request.response_type)
        await self._transport.send(encode(call))
        response = await self._pending.expect(future, self._timeout if timeout is None else timeout)
        self._lane.release()
        return response


### WRONG id-per-retry-same -> new-id: two calls carried one id.
class Session(Session):
    async def call(self, request, *, timeout=None):
        unique_id = f"{request.action}-{hash(str(request)) % 10**9}"  # the same request is the same call, is it not?
        payload = encode_payload(request)
        async with self._lane:
            try:
                future = self._pending.open(unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected() from lost
            await self._transport.send(encode(Call(unique_id, request.action, payload)))
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)


### WRONG lost-instead -> after-end: nothing left this machine: NotConnected is definite, ConnectionLost is not.
class Session(Session):
    async def call(self, request, *, timeout=None):
        async with self._lane:
            call = Call(next(self._ids), request.action, encode_payload(request))
            future = self._pending.open(call.unique_id, request.response_type)
            await self._transport.send(encode(call))
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)


### WRONG timeout-around-send -> timeout-from-send: `send` took 3 s, the timeout is 10 s, and the call ended after 10 s;
###       the timeout begins when `transport.send` returns.
class Session(Session):
    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        async with self._lane:
            begun = asyncio.get_running_loop().time()
            call = Call(next(self._ids), request.action, payload)
            try:
                future = self._pending.open(call.unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected() from lost
            await self._transport.send(encode(call))
            spent = asyncio.get_running_loop().time() - begun
            return await self._pending.expect(future, (self._timeout if timeout is None else timeout) - spent)


### WRONG holds-the-caller -> frees-on-timeout/cancel/error: a caller was cancelled while its call was on the wire, and
###       it went on waiting; a cancelled caller is free at once.
class Session(Session):
    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        async with self._lane:
            call = Call(next(self._ids), request.action, payload)
            try:
                future = self._pending.open(call.unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected() from lost
            await self._transport.send(encode(call))
            limit = self._timeout if timeout is None else timeout
            waiting = asyncio.create_task(self._pending.expect(future, limit))
            try:
                return await asyncio.shield(waiting)
            except asyncio.CancelledError:
                await asyncio.wait([waiting])
                raise


### WRONG sends-for-the-gone -> frees-on-timeout/cancel/error: a caller was cancelled while it waited for its turn, and
###       its call was sent all the same.
class Session(Session):
    async def call(self, request, *, timeout=None):
        return await asyncio.shield(asyncio.ensure_future(super().call(request, timeout=timeout)))


### WRONG timeout-or -> timeout-from-send: 0 is a timeout too; only None means that of the session.
class Session(Session):
    async def call(self, request, *, timeout=None):
        return await super().call(request, timeout=timeout or self._timeout)


### WRONG opens-after-the-send -> one-in-flight: the reply came before `send` had returned, and its caller did not get
###       it; open the call before the send.
class Session(Session):
    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        async with self._lane:
            call = Call(next(self._ids), request.action, payload)
            await self._transport.send(encode(call))
            future = self._pending.open(call.unique_id, request.response_type)
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)


### WRONG its-own-default -> timeout-from-send: a session that is not told a timeout has 30 s; this one had 60 s.
class Session(Session):
    def __init__(self, *pieces, ids, timeout=60.0):
        super().__init__(*pieces, ids=ids, timeout=timeout)


### WRONG one-lock-for-all -> one-in-flight: a call on one connection waited for a call on another; each session has its
###       own lock, made in `__init__`.
_LANES = {}


class Session(Session):
    def __init__(self, *pieces, **options):
        super().__init__(*pieces, **options)
        self._lane = _LANES.setdefault(asyncio.get_running_loop(), self._lane)


### WRONG opens-unencoded -> frees-on-timeout/cancel/error: all calls are over, or were never sent,
###      and one is still pending; encode the request, then open.
class Session(Session):
    async def call(self, request, *, timeout=None):
        async with self._lane:
            unique_id = next(self._ids)
            try:
                future = self._pending.open(unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected() from lost
            await self._transport.send(encode(Call(unique_id, request.action, encode_payload(request))))
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)


### WRONG send-forgets-nothing -> gone-in-send: a caller was cancelled while `send` waited, and a
###       minute later its call is still pending: forget it.
class Session(Session):
    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        async with self._lane:
            call = Call(next(self._ids), request.action, payload)
            try:
                future = self._pending.open(call.unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected() from lost
            await self._transport.send(encode(call))
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)


### WRONG leaks-on-refusal -> frees-on-timeout/cancel/error: a call was answered with a CallError, and after it nothing
###       is ever sent.
class Session(Session):
    async def call(self, request, *, timeout=None):
        from ocpp_lab import CallFailed

        try:
            return await super().call(request, timeout=timeout)
        except CallFailed:
            await self._lane.acquire()
            raise


### WRONG pauses-between -> frees-on-timeout/cancel/error: a call timed out, and the next one went out 5 s later; it
###       goes out at once.
class Session(Session):
    tired = False

    async def call(self, request, *, timeout=None):
        from ocpp_lab import CallTimeout

        payload = encode_payload(request)
        async with self._lane:
            if self.tired:
                await asyncio.sleep(5)
            future = self._pending.open(unique_id := next(self._ids), request.response_type)
            await self._transport.send(encode(Call(unique_id, request.action, payload)))
            try:
                return await self._pending.expect(future, self._timeout if timeout is None else timeout)
            except CallTimeout:
                self.tired = True
                raise


### WRONG send-leaks -> frees-on-timeout/cancel/error: a send failed, and whoever waits behind it waits for ever; give
###       the turn on, however a call ends.
class Session(Session):
    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        await self._lane.acquire()
        try:
            call = Call(next(self._ids), request.action, payload)
            future = self._pending.open(call.unique_id, request.response_type)
        except ConnectionLost:
            self._lane.release()
            raise NotConnected() from None
        await self._transport.send(encode(call))
        try:
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)
        finally:
            self._lane.release()


### RIGHT queue-and-task
class Session:
    def __init__(self, transport, router, pending, *, ids, timeout=30.0):
        self.transport, self.pending, self.ids, self.timeout = transport, pending, ids, timeout
        self.jobs, self.worker = [], None

    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        told = asyncio.get_running_loop().create_future()
        self.jobs.append((request, payload, timeout, told))
        if self.worker is None:
            self.worker = asyncio.create_task(self.work())
        return await told

    async def work(self):
        while self.jobs:
            *job, told = self.jobs.pop(0)
            if told.cancelled():
                continue
            exchange = asyncio.ensure_future(self.exchange(*job))
            told.add_done_callback(lambda done, mine=exchange: mine.cancel())
            await asyncio.wait([exchange])
            if told.cancelled():
                continue
            if error := exchange.exception():
                told.set_exception(error)
            else:
                told.set_result(exchange.result())
        self.worker = None

    async def exchange(self, request, payload, timeout):
        unique_id = next(self.ids)
        try:
            future = self.pending.open(unique_id, request.response_type)
        except ConnectionLost:
            raise NotConnected("the connection is gone") from None
        try:
            await self.transport.send(encode(Call(unique_id, request.action, payload)))
        except asyncio.CancelledError:
            future.cancel()
            await asyncio.gather(self.pending.expect(future, 0), return_exceptions=True)
            raise
        return await self.pending.expect(future, self.timeout if timeout is None else timeout)


### RIGHT turnstile
class Session(Session):
    def __init__(self, transport, router, pending, *, ids, timeout=30.0):
        super().__init__(transport, router, pending, ids=ids, timeout=timeout)
        self.turns = []

    async def call(self, request, *, timeout=None):
        mine = asyncio.Event()
        self.turns.append(mine)
        try:
            if self.turns[0] is not mine:
                await mine.wait()
            return await super().call(request, timeout=timeout)
        finally:
            self.turns.remove(mine)
            if self.turns:
                self.turns[0].set()


### RIGHT holds-the-wire
class Session(Session):
    async def call(self, request, *, timeout=None):
        payload = encode_payload(request)
        await self._lane.acquire()  # a caller that goes away while it waits here has sent nothing
        exchange = asyncio.ensure_future(self._exchange(request, payload, timeout))
        exchange.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(exchange)  # who is cancelled is free; the wire is not

    async def _exchange(self, request, payload, timeout):
        try:
            unique_id = next(self._ids)
            try:
                future = self._pending.open(unique_id, request.response_type)
            except ConnectionLost as lost:
                raise NotConnected() from lost
            await self._transport.send(encode(Call(unique_id, request.action, payload)))
            return await self._pending.expect(future, self._timeout if timeout is None else timeout)
        finally:
            self._lane.release()


### END SOLUTION

# %%
check("4.6", Session)

# %% [markdown]
# ## 4.7 `Session.run`: the reader never waits
#
# `run` reads text after text, until the connection ends. A reply goes to `pending.settle`. A call of the peer goes to
# `router.answer(call)`, a coroutine that returns the reply. That may take long, and it may call the peer itself. So the
# reader starts it as a task and reads on. Handlers run beside each other: a quick one is answered before a slow one
# that came first. `transport.send` may wait too, while the transport is full. So the reader sends nothing itself: a
# task sends each answer, and each CallError too.
#
# - `transport.start()`, a plain function without `await`, comes first. Then `async for text in transport` gives the
#   texts, and ends when the connection ends.
# - `decode(text)` raises `FrameError` if a text is no frame. Was it a Call that is spoilt, and can its id be told? Then
#   the error's `unique_id` is that id, and somebody waits for a CallError with its `code` and `description`. The id may
#   be the empty text `""`. In all other cases `unique_id` is None, and nobody waits for an answer.
# - `router.answer` never raises. If it returns None, send nothing.
# - A peer may use one id for two calls. While the first is being handled, the second gets a CallError. Its code is
#   yours to choose, `"GenericError"` for example.
# - `run` may end in two ways: the connection ends, and `run` returns; or `run` is cancelled, and CancelledError goes on.
#   In both, whoever waits for a reply gets `ConnectionLost`, and the handlers that still run are cancelled.
#
# Your class of 4.6 grows by `run`: `class Session(mine("4.6")):`.

# %%
### STEP 4.7 · 3 points · 25 minutes
### HINT The reader may wait for nothing but the next text. Everything else that may take a while has to be a task that
###      it starts. Which things are that?
### HINT `async with asyncio.TaskGroup() as group:` around the loop, and `group.create_task(self._answer(call))`. It
###      waits for its tasks at the end; those that still run then are to be cancelled.
### HINT `self._serving: dict[str, asyncio.Task]`: the reader puts the task in under the id, the task takes itself out
###      in its `finally`. Around the loop `try … finally:` with `fail_all` and
###      `for task in self._serving.values(): task.cancel()`.
import asyncio
from contextlib import suppress

from ocpp_lab import Call, CallError, CallResult, ConnectionLost, FrameError, decode, encode


### BEGIN SOLUTION
class Session(mine("4.6")):
    """Calls to the peer at the other end of one transport, and the peer's calls to us."""

    def __init__(self, transport, router, pending, *, ids, timeout: float = 30.0) -> None:
        """As in 4.6; `router.answer(call)` answers the peer's calls."""
        super().__init__(transport, router, pending, ids=ids, timeout=timeout)
        self._serving: dict[str, asyncio.Task] = {}

    async def run(self) -> None:
        """Start the transport, and read until it ends. Then `pending.fail_all(ConnectionLost())`, and return.

        The reader waits for nothing but the next text: whatever is sent, a task sends.

        A reply is settled, and never answered. A Call is answered beside the reader by what `router.answer(call)`
        returns; None: say nothing. While a call is being handled, every other one with its id gets a CallError, and
        the first is answered as ever; afterwards the id may be used again. A text that is no frame does not end the
        session: if `FrameError.unique_id` is not None, it gets a CallError with that error's code and description,
        else nothing.

        Answers do not wait for own calls, nor for each other. One that the transport does not take any more
        (`ConnectionLost`) is dropped, and asyncio warns of nothing. When `run` ends, in whatever way, `fail_all` is
        called and its handlers end. A `run` that is cancelled raises CancelledError.
        """
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            try:
                async for text in self._transport:
                    self._receive(text, group)
            finally:
                self._pending.fail_all(ConnectionLost())
                for task in self._serving.values():
                    task.cancel()

    def _receive(self, text: str, group: asyncio.TaskGroup) -> None:
        try:
            frame = decode(text)
        except FrameError as problem:
            if problem.unique_id is not None:
                group.create_task(self._send(CallError(problem.unique_id, problem.code, problem.description)))
            return
        if not isinstance(frame, Call):
            self._pending.settle(frame)
        elif frame.unique_id in self._serving:
            again = CallError(frame.unique_id, "GenericError", "a call with this unique id is still being handled")
            group.create_task(self._send(again))
        else:
            self._serving[frame.unique_id] = group.create_task(self._answer(frame))

    async def _answer(self, call: Call) -> None:
        try:
            reply = await self._router.answer(call)
            if reply is not None:
                await self._send(reply)
        finally:
            self._serving.pop(call.unique_id, None)

    async def _send(self, reply: CallResult | CallError) -> None:
        with suppress(ConnectionLost):
            await self._transport.send(encode(reply))


### WRONG awaits-handler -> crossing: the handler waits for a reply that only the waiting reader could read.
class Session(Session):
    async def run(self):
        self._transport.start()
        async for text in self._transport:
            with suppress(FrameError):
                frame = decode(text)
                if isinstance(frame, Call):
                    await self._answer(frame)
                else:
                    self._pending.settle(frame)
        self._pending.fail_all(ConnectionLost())


### WRONG answers-use-lane -> crossing: your answer queued behind your own call; answers bypass the queue of calls.
class Session(Session):
    async def _send(self, reply):
        async with self._lane:
            await super()._send(reply)


### WRONG errors-to-results -> never-answers-replies: you answered a CallResult with a CallError.
class Session(Session):
    def _receive(self, text, group):
        with suppress(FrameError):
            frame = decode(text)
            if not isinstance(frame, Call):
                if self._pending.settle(frame) not in ("resolved", "failed"):
                    group.create_task(self._send(CallError(frame.unique_id, "FormationViolation", "what is that?")))
                return
        super()._receive(text, group)


### WRONG duplicate-runs-twice -> duplicate-id: one id, two effects.
class Session(Session):
    def _receive(self, text, group):
        self._serving = {}
        super()._receive(text, group)


### WRONG kills-on-garbage -> bad-frame-lives: one bad text ended the session.
class Session(Session):
    def _receive(self, text, group):
        decode(text)
        super()._receive(text, group)


### WRONG orphan-tasks -> end-fails-all: a handler went on after its session had ended.
class Session(Session):
    async def run(self):
        self._transport.start()
        async for text in self._transport:
            self._receive(text, asyncio)
        self._pending.fail_all(ConnectionLost())


### WRONG id-blocked-forever -> duplicate-id: the id may be used again once it was answered.
class Session(Session):
    async def _answer(self, call):
        await self._send(await self._router.answer(call))


### WRONG tells-nobody -> end-fails-all: the connection is gone; `pending.fail_all(ConnectionLost())` tells whoever
###       waits.
class Session(Session):
    async def run(self):
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            async for text in self._transport:
                self._receive(text, group)
            for task in self._serving.values():
                task.cancel()


### WRONG never-starts -> crossing: `transport.start()` comes first; a transport with a writer of its own
###      sends nothing before it.
class Session(Session):
    async def run(self):
        async with asyncio.TaskGroup() as group:
            try:
                async for text in self._transport:
                    self._receive(text, group)
            finally:
                self._pending.fail_all(ConnectionLost())
                for task in self._serving.values():
                    task.cancel()


### WRONG serves-for-all -> duplicate-id: two sessions share what they handle; ids are unique on one connection:
###      make it in `__init__`.
_SERVING = {}


class Session(Session):
    def __init__(self, *pieces, **options):
        super().__init__(*pieces, **options)
        self._serving = _SERVING


### WRONG one-code -> bad-frame-lives: the CallError carries the `code` of the FrameError;
###      it tells the peer what was wrong.
class Session(Session):
    def _receive(self, text, group):
        try:
            decode(text)
        except FrameError as problem:
            if problem.unique_id is not None:
                group.create_task(self._send(CallError(problem.unique_id, "GenericError")))
        else:
            super()._receive(text, group)


### WRONG says-null -> silence: None stands for silence; send nothing.
class Session(Session):
    async def _answer(self, call):
        try:
            await self._send(await self._router.answer(call))
        finally:
            self._serving.pop(call.unique_id, None)


### WRONG no-finally -> stops: a handler went on after `run` was cancelled; clean up in `finally`.
class Session(Session):
    async def run(self):
        self._transport.start()
        async for text in self._transport:
            self._receive(text, asyncio)
        self._pending.fail_all(ConnectionLost())
        for task in self._serving.values():
            task.cancel()


### WRONG answer-kills -> answer-lost: an answer could not be sent, and that ended the reader;
###      suppress ConnectionLost around that send.
class Session(Session):
    async def _send(self, reply):
        await self._transport.send(encode(reply))


### WRONG answers-all-garbage -> bad-frame-lives: nobody waits for an answer to that; be silent.
class Session(Session):
    def _receive(self, text, group):
        try:
            decode(text)
        except FrameError as problem:
            group.create_task(self._send(CallError(problem.unique_id, problem.code, problem.description)))
        else:
            super()._receive(text, group)


### WRONG truthy-id -> bad-frame-lives: a spoilt Call with the id "" got no CallError; only None means that there is no
###       id.
class Session(Session):
    def _receive(self, text, group):
        try:
            decode(text)
        except FrameError as problem:
            if problem.unique_id:
                super()._receive(text, group)
        else:
            super()._receive(text, group)


### WRONG no-description -> bad-frame-lives: the CallError lacks the `description` of the FrameError; it tells the peer
###       what was wrong.
class Session(Session):
    def _receive(self, text, group):
        try:
            decode(text)
        except FrameError as problem:
            if problem.unique_id is not None:
                group.create_task(self._send(CallError(problem.unique_id, problem.code)))
        else:
            super()._receive(text, group)


### WRONG unretrieved -> answer-lost: an answer could not be sent, and asyncio warns that nobody retrieved the
###       ConnectionLost; suppress it around that send.
class Session(Session):
    async def run(self):
        self._transport.start()
        try:
            async for text in self._transport:
                self._receive(text, asyncio)
        finally:
            self._pending.fail_all(ConnectionLost())
            for task in self._serving.values():
                task.cancel()

    async def _answer(self, call):
        try:
            reply = await self._router.answer(call)
            if reply is not None:
                await self._transport.send(encode(reply))
        finally:
            self._serving.pop(call.unique_id, None)


### WRONG waits-with-the-error -> full-transport: the transport was full, and the reader waited until it took the
###       CallError for a text that is no frame; send that in a task.
class Session(Session):
    async def run(self):
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            try:
                async for text in self._transport:
                    try:
                        decode(text)
                    except FrameError as problem:
                        if problem.unique_id is not None:
                            await self._send(CallError(problem.unique_id, problem.code, problem.description))
                    else:
                        self._receive(text, group)
            finally:
                self._pending.fail_all(ConnectionLost())
                for task in self._serving.values():
                    task.cancel()


### WRONG waits-with-the-refusal -> full-transport: the transport was full, and the reader waited until it took the
###       CallError for a copy of a call; send that in a task.
class Session(Session):
    async def run(self):
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            try:
                async for text in self._transport:
                    with suppress(FrameError):
                        frame = decode(text)
                        if isinstance(frame, Call) and frame.unique_id in self._serving:
                            await self._send(CallError(frame.unique_id, "GenericError"))
                            continue
                    self._receive(text, group)
            finally:
                self._pending.fail_all(ConnectionLost())
                for task in self._serving.values():
                    task.cancel()


### WRONG another-error -> end-fails-all: `fail_all` got ConnectionError; the step asks for `ConnectionLost()`.
class Session(Session):
    async def run(self):
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            try:
                async for text in self._transport:
                    self._receive(text, group)
            finally:
                self._pending.fail_all(ConnectionError())
                for task in self._serving.values():
                    task.cancel()


### WRONG swallows-its-cancel -> stops: `run` was cancelled, and ended without CancelledError; let that go on.
class Session(Session):
    async def run(self):
        with suppress(asyncio.CancelledError):
            await super().run()


### WRONG drops-the-timeout -> as-before: with a timeout of 10 s it took 30 s; the timeout is in seconds, from the send.
class Session(Session):
    def __init__(self, transport, router, pending, *, ids, timeout=30.0):
        super().__init__(transport, router, pending, ids=ids)


### WRONG copy-frees-id -> duplicate-id: one id, two effects.
class Session(Session):
    def _receive(self, text, group):
        with suppress(FrameError):
            frame = decode(text)
            if isinstance(frame, Call) and self._serving.pop(frame.unique_id, None):
                group.create_task(self._send(CallError(frame.unique_id, "GenericError")))
                return
        super()._receive(text, group)


### WRONG one-worker -> side-by-side: a handler began only when the one before it had ended; each is a task of its own.
class Session(Session):
    async def run(self):
        self.work, self.known = asyncio.Queue(), set()
        worker = asyncio.create_task(self.serve())
        self._transport.start()
        try:
            async for text in self._transport:
                await self.read(text)
        finally:
            worker.cancel()
            self._pending.fail_all(ConnectionLost())
            await asyncio.gather(worker, return_exceptions=True)

    async def read(self, text):
        try:
            frame = decode(text)
        except FrameError as problem:
            if problem.unique_id is not None:
                await self._send(CallError(problem.unique_id, problem.code, problem.description))
            return
        if not isinstance(frame, Call):
            self._pending.settle(frame)
        elif frame.unique_id in self.known:
            await self._send(CallError(frame.unique_id, "GenericError"))
        else:
            self.known.add(frame.unique_id)
            self.work.put_nowait(frame)

    async def serve(self):
        while True:
            call = await self.work.get()
            reply = await self._router.answer(call)
            self.known.remove(call.unique_id)
            if reply:
                await self._send(reply)


### WRONG answers-in-order -> side-by-side: a quick answer waited for a slow one; each leaves when it is ready.
class Session(Session):
    async def run(self):
        self.last = None
        await super().run()

    async def _answer(self, call):
        before, self.last = self.last, asyncio.Event()
        mine = self.last
        try:
            reply = await self._router.answer(call)
            if before:
                await before.wait()
            if reply is not None:
                await self._send(reply)
        finally:
            mine.set()
            self._serving.pop(call.unique_id, None)


### WRONG tells-nobody-if-cancelled -> stops: `run` was cancelled, and a caller still waits;
###       `pending.fail_all(ConnectionLost())` belongs in `finally`.
class Session(Session):
    async def run(self):
        self._transport.start()
        async with asyncio.TaskGroup() as group:
            try:
                async for text in self._transport:
                    self._receive(text, group)
                self._pending.fail_all(ConnectionLost())
            finally:
                for task in self._serving.values():
                    task.cancel()


### WRONG answers-under-another-id -> crossing: an answer carries the id of its call, and nothing else says whose it is.
class Session(Session):
    async def _answer(self, call):
        self._serving.pop(call.unique_id, None)
        await self._send(CallResult(next(self._ids), {}))


### RIGHT set-of-tasks
class Session(Session):
    async def run(self):
        self._transport.start()
        self.tasks, self.ids = set(), set()
        try:
            async for text in self._transport:
                match self.read(text):
                    case Call() as call if call.unique_id not in self.ids:
                        self.ids.add(call.unique_id)
                        self.begin(self.serve(call))
                    case Call(unique_id=unique_id):
                        self.begin(self._send(CallError(unique_id, "FormationViolation")))
                    case CallResult() | CallError() as reply:
                        self._pending.settle(reply)
                    case FrameError(unique_id=str(unique_id)) as problem:
                        self.begin(self._send(CallError(unique_id, problem.code, problem.description)))
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            self._pending.fail_all(ConnectionLost("over"))

    def read(self, text):
        try:
            return decode(text)
        except FrameError as problem:
            return problem

    def begin(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def serve(self, call):
        reply = await self._router.answer(call)
        self.ids.discard(call.unique_id)
        if reply:
            await self._send(reply)


### RIGHT gather-at-the-end
class Session(Session):
    async def run(self):
        self.open, answers = {}, []
        self._transport.start()
        try:
            async for text in self._transport:
                if (work := self.work_for(text)) is not None:
                    answers.append(asyncio.create_task(work))
                answers = [each for each in answers if not each.done()]
        finally:
            self._pending.fail_all(ConnectionLost("the end"))
            for each in answers:
                each.cancel()
            await asyncio.gather(*answers, return_exceptions=True)

    def work_for(self, text):
        try:
            frame = decode(text)
        except FrameError as problem:
            error = CallError(problem.unique_id or "", problem.code, problem.description)
            return self._send(error) if problem.unique_id is not None else None
        if isinstance(frame, CallResult | CallError):
            return self._pending.settle(frame) and None
        if self.open.setdefault(frame.unique_id, frame) is not frame:
            return self._send(CallError(frame.unique_id, "InternalError"))
        return self.serve(frame)

    async def serve(self, call):
        reply = await self._router.answer(call)
        del self.open[call.unique_id]
        if reply is not None:
            await self._send(reply)


### END SOLUTION

# %%
check("4.7", Session)

# %% [markdown]
# ## Capstone: your two pieces in a charge point
#
# `ChargePoint(session=…, pending=…)` takes a factory for each: it makes one `Pending` and one `Session` for every
# connection. Yours go in here; where a step is not done yet, the package's. `fit` adds what a charge point asks for
# beyond the steps, such as the end of a call that was never sent.
#
# This is a live charge point and a live central system.

# %% tags=["scaffold"]
import asyncio
from functools import partial
from itertools import repeat

from IPython.display import display

from ocpp_lab import CentralSystem, ChargePoint, OcppError
from ocpp_lab import messages as m
from ocpp_course import fit

YourPending, YourSession = mine("4.5"), mine("4.7")
NAMES = ("resolved", "failed", "malformed", "late", "repeated", "orphan")
yours = []  # one for each connection


def pending():
    yours.append(YourPending())
    return yours[-1]


def counted(name):
    return sum(each.counts[name] for each in yours)


print("connections so far:", len(yours))

# %% [markdown]
# Soon five calls of Authorize go out, each with another fault: *delay*, *answer twice*, *wrong id*, *wrong payload*,
# *CallError*. After each of them comes a Heartbeat without a fault. Three answers come before these: to the boot, and
# to two StatusNotifications. **Predict** now how often your `Pending` will have said each of the six words.
#
# The next cell starts both ends, and the panel comes up. The text below the panel counts live.

# %% tags=["scaffold"]
central_system = await CentralSystem().start()
pieces = fit(session=YourSession, pending=pending)
charge_point = await ChargePoint(central_system.url, "CP_1", timeout=0.5, **pieces, delays=lambda: repeat(0.05)).start()
await lab.until(lambda: counted("resolved") == 3)  # the boot, and the status of connectors 0 and 1
panel = lab.FaultPanel(central_system)
panel.set(action="Authorize", seconds=0.75)
watch = lab.Watch({name: partial(counted, name) for name in NAMES}, "your Pending")
display(panel, watch)

# %% [markdown]
# Now the five calls. The line with the six counts shows whether your prediction was right.


# %% tags=["scaffold"]
async def told(request):
    """What a caller is told: the name of the response, or of the error."""
    try:
        return type(await charge_point.call(request)).__name__
    except OcppError as error:
        return type(error).__name__


start, over, before = lab.now(), {}, {name: counted(name) for name in NAMES}
for fault in ("delay", "answer twice", "wrong id", "wrong payload", "CallError"):
    panel.toggle(fault)
    first = await told(m.AuthorizeRequest(id_tag="TAG_A"))
    panel.clear()
    print(f"{fault:14} Authorize: {first:18} Heartbeat: {await told(m.HeartbeatRequest())}")
    await lab.until(lambda: counted("late") > before["late"])  # the answer that *delay* held back
    over[fault] = lab.now()
print({name: counted(name) for name in NAMES})
strays = ", ".join(f"{counted(name) - before[name]} {name}" for name in ("late", "repeated", "orphan"))
title = f"No call waits for these: {strays}"
lab.ladder(charge_point, central_system, since=start, until=over["wrong id"], title=title)

# %% [markdown]
# By hand: press a fault, and run `await told(m.AuthorizeRequest(id_tag="TAG_A"))` in a cell of your own.
#
# Now *ignore* holds one call on the wire, two wait behind it, and the connection is closed. One call was sent, so
# nobody can know whether the central system acted. The other two never left.

# %% tags=["scaffold"]
ignored, connections = central_system.faults.applied.get("ignore", 0), len(yours)
panel.toggle("ignore")
callers = [asyncio.create_task(told(m.AuthorizeRequest(id_tag=tag))) for tag in ("TAG_A", "TAG_B", "TAG_C")]
await lab.until(lambda: central_system.faults.applied.get("ignore", 0) > ignored)
panel.press("close 1001")
print(*await asyncio.gather(*callers))
panel.clear()
await panel.settle()
await lab.until(lambda: charge_point.state == "online" and len(yours) > connections)
print("left pending:", [len(each) for each in yours], "· connections:", len(yours))

# %% [markdown]
# ## Your part: choose, predict, check
#
# Your `Session` makes one call after another, each with a timeout of 10 s. You choose what happens to the answer of
# each call, and you say beforehand what your `Pending` will count.
#
# | fault | what the peer does |
# |---|---|
# | `"none"` | answers at once |
# | `"delay"` | answers after 5 s |
# | `"late"` | answers after 15 s |
# | `"answer twice"` | answers at once, and sends the same answer again a little later |
# | `"wrong id"` | answers at once, under an id that no call had |
# | `"wrong payload"` | answers at once, with a payload that is no such response |
# | `"CallError"` | answers at once, with a CallError |
#
# `PLAN` is a list of ten or more faults, each of the seven at least once, in any order. `PREDICTED` has a number for
# each of the six words: how often `settle` will return it. Every reply that comes is counted, also those for which no
# call waits any more. The check plays your plan, and compares.
#
# After it the check puts your classes through 25 simulated nights of 40 calls each. Replies are delayed, doubled and
# reordered by plan; your `counts` must equal the plan, and no caller may get another's answer. Then come 50 nights of
# chaos: cuts, crashes, half-open connections. A failure names the seed and shows the frames around it.

# %%
### STEP 4.capstone · 4 points · 25 minutes
# The check takes your `Session` of 4.7, your `Pending` of 4.5, and these two.
### BEGIN SOLUTION
PLAN = ["none", "delay", "late", "answer twice", "wrong id", "wrong payload", "CallError", "late", "late", "none"]
PREDICTED = {"resolved": 4, "failed": 1, "malformed": 1, "late": 3, "repeated": 1, "orphan": 1}


### STUB
PLAN: list[str] = []  # ten or more of: none, delay, late, answer twice, wrong id, wrong payload, CallError
PREDICTED: dict[str, int] = {}  # a number for each of: resolved, failed, malformed, late, repeated, orphan


### END SOLUTION

# %%
check("4.capstone", Session, Pending, PLAN, PREDICTED)

# %% [markdown]
# **Check yourself.** A click on a question shows the answer.
#
# <details><summary>A StartTransaction timed out; its answer comes late. May you use it?</summary>
# The call is over, and your <code>Session</code> gives the answer to nobody, because the next caller asked something
# else. Who sent the message may use it: the answer tells the true transaction id. The package's outbox learns it and
# strikes the message out, if that message still waits. Your pieces send again instead, and that is right too, because
# an honest ledger gives the resend the same transaction id.</details>
# <details><summary>May the id of the peer's call equal the id of yours?</summary>
# Yes. Ids are unique per sender; a reply belongs to the calls of the end that receives it.</details>
# <details><summary>Why does the timeout not include the wait for the lock?</summary>
# It would blame the peer for your own queue. A call that was never sent would end as if nobody had answered.</details>
# <details><summary>Why is <code>settle</code> allowed no exception?</summary>
# The reader calls it. An exception there ends the reader, and with it every other call.</details>
# <details><summary>Why must a handler be a task?</summary>
# It may call the peer. Only the reader can read that reply, so the reader must not wait for the handler.</details>

# %% [markdown]
# **Further questions**, without answers.
#
# - Your plan has a reply that is *late* and one that is an *orphan*. The operator sees only the two counters. Which of
#   them would you report to the maker of the central system, and what would you ask for?
# - A peer reuses the ids of its calls after every reconnect: 1, 2, 3 … Which of your pieces notices, and which must
#   not?
# - A network in which answers take 31 s, and a timeout of 30 s: what does the charge point see, what does the central
#   system see, and who pays? What would you change first?
# - Your `Session` reads on, however many calls of the peer are unanswered. A peer sends 100,000 calls and reads no
#   answer. What grows, and where would you put a limit?
# - The handler of RemoteStartTransaction calls Authorize, and the peer waits with its answer to Authorize for the
#   answer to RemoteStartTransaction. Who gives up first, and is that what you want?

# %% [markdown] tags=["solution-only"]
# ## Beside the package
#
# `ocpp_lab/pending.py` keeps the same dict. Its futures know their own ids, so `expect` finds its entry without a
# search. It starts one timer for each call. Each caller gets a `ConnectionLost` of its own, with the synthesised
# CallError that the trace shows.
#
# `ocpp_lab/session.py` has the same lock, with one difference: it belongs to the wire. When a caller is cancelled, the
# lock stays taken until the reply comes or the time of that call is up (`ocpp_lab/lane.py`). And a late answer is not
# lost: `CallTimeout.on_late_result` tells it to whoever asked for it, the outbox for example. The session starts
# handlers eagerly: one that need not wait has answered before the next text is read. At most 64 calls of the peer are
# served at a time; then the reader stops, and the peer feels it. A spoilt reply whose id can be told ends its call at
# once (`Pending.spoil`), where ours waits for the timeout.
#
# libocpp holds one message in flight, so correlation is one comparison (`MessageQueue::receive`); what does not match
# is a line in the log. It does not notice an id that comes in twice.

# %% tags=["scaffold"]
closing = lab.Closing(guard, watch, panel, charge_point, central_system)
closing

# %% [markdown]
# | before | how far you are | after |
# | :--- | :---: | ---: |
# | [← Notebook 4<br>Call correlation](../notebooks/04_call_correlation.ipynb) | [**START**<br>your lamps and points](../START.ipynb) | [21:30 →<br>Lifecycle loop](../notebooks/05_lifecycle_loop.ipynb) |
