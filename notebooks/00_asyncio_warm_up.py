# %% [markdown]
# ![A motorway at dusk. The lamp of 17:40 is not lit yet.](pictures/00.svg)
#
# [START](../START.ipynb) · **About 30 minutes** · [17:40 Smoke tests →](01_smoke_tests.ipynb)
#
# # Warm-up: who runs while I `await`?
#
# This is asyncio, as much as milestone 1 needs. You know functions, classes and exceptions, and you have seen `async`
# and `await` once. Run the cells from the top, with Shift+Enter. Each of them shows one thing.
#
# A program that talks to a network waits most of the time: for bytes, for an answer, for a timeout. *asyncio* lets one
# thread wait for many things at once. Here is how.

# %%
import asyncio

from IPython.display import display

from ocpp_course import lab

print("this kernel runs an event loop already:", asyncio.get_running_loop().is_running())

# %% [markdown]
# So a cell may say `await` at its top level. In a script you would write `asyncio.run(main())`.
#
# ## 1. A coroutine does nothing until somebody awaits it
#
# `async def` makes a *coroutine function*. What does a call of one do? (Below a cell that asks you stands a card: choose,
# then look. The grey bar above such a cell hides the question with its answer.)

# %% jupyter={"source_hidden": true}
# Question 1. The answer stands here: choose in the card below first.
q1 = lab.predict(
    "`beep` is called, and nobody awaits it. What does this cell print?",
    {
        "a": ("`beep`", "The body of `beep` has not begun to run."),
        "b": "`coroutine`",
        "c": ("`done`", "That is what `await beep()` would give. Here nobody awaits."),
        "d": ("`NoneType`", "A call of a plain function without `return` gives None. This one is no plain function."),
    },
    answer="b",
    because="The call makes a *coroutine object*, and runs nothing of `beep`. What is printed is the type of that object.",
)


# %%
async def beep():
    print("beep")
    return "done"


with q1:
    forgotten = beep()
    print(type(forgotten).__name__)
forgotten.close()

# %% [markdown]
# The most frequent mistake in asyncio is a forgotten `await`. Python then says "coroutine 'beep' was never awaited", but
# often late, and in another place. (The last line throws the object away, so that Python does not complain here.)

# %%
print(await beep())

# %% [markdown]
# ## 2. A task runs beside the others
#
# `create_task` hands a coroutine to the event loop. A task starts the next time the running code awaits, whether or not
# anybody awaits the task.

# %% jupyter={"source_hidden": true}
# Question 2. The answer stands here: choose in the card below first.
q2 = lab.predict(
    "In which order are the three lines printed?",
    {
        "a": ("beep, created, later", "`create_task` runs nothing by itself: the code that called it goes on."),
        "b": "created, beep, later",
        "c": ("created, later, beep", "`await asyncio.sleep(0)` gives the loop a turn, and `beep` runs in that turn."),
    },
    answer="b",
    because="`create_task` only puts the task on the list of the event loop. `await asyncio.sleep(0)` waits for no "
    "time, but it gives the loop a turn, and the task runs in it.",
)

# %%
with q2:
    task = asyncio.create_task(beep())
    print("created")
    await asyncio.sleep(0)
    print("later")

# %% [markdown]
# Nobody awaited the task. It ran all the same, and it keeps its result. (Keep the task in a variable. The event loop
# alone does not keep it alive.)

# %%
print("has ended:", task.done(), "· with result:", await task)

# %% [markdown]
# ## 3. Three tasks, one thread
#
# Each of these tasks computes for a while, then waits, three times. `lab.Turns` records when each of them had its turn.

# %% jupyter={"source_hidden": true}
# Question 3. The answer stands here: choose in the card below first.
q3 = lab.predict(
    "Each task computes for 0.09 s in all and waits for 0.3 s. How long do all three take together?",
    {
        "a": (
            "as long as one of them, 0.39 s",
            "There is one thread. While one task computes, the two others cannot.",
        ),
        "b": "a little longer than one of them",
        "c": (
            "three times as long, about 1.2 s",
            "That would be one task after the other. But they wait at the same time.",
        ),
    },
    answer="b",
    because="The waiting happens at the same time; the computing does not, because there is one thread.",
)
found = "Three tasks take turns on one thread; while one computes, nobody else runs"


# %%
def compute(seconds):
    until = lab.now() + seconds
    while lab.now() < until:
        pass


async def work(name):
    for _ in range(3):
        compute(0.03)
        await asyncio.sleep(0.1)


with q3:
    turns = lab.Turns()
    await asyncio.gather(*(turns.watch(name, work(name)) for name in "ABC"))
    display(turns.picture(found))

# %% [markdown]
# A task gives its turn away only where it says `await`. Between two `await`s nobody can interrupt it, so simple code
# needs no locks. The other side of it: a task that computes for long, or calls `time.sleep`, stops everybody.


# %%
async def selfish():
    compute(0.3)  # as time.sleep(0.3) would


async def heartbeat():
    for _ in range(5):
        await asyncio.sleep(0.05)


turns = lab.Turns()
await asyncio.gather(turns.watch("heartbeat", heartbeat()), turns.watch("selfish", selfish()))
turns.picture("The heartbeat should beat each 0.05 s; it waits until the selfish task has ended")

# %% [markdown]
# ## 4. Wait for several: `gather` and `wait`
#
# `gather` awaits all of them and gives the results in the order in which you named them. The first exception comes out,
# unless you ask for it as a result.


# %%
async def reply(text, seconds):
    await asyncio.sleep(seconds)
    if text == "fail":
        raise ConnectionError("cut off")
    return text


print(await asyncio.gather(reply("slow", 0.2), reply("fast", 0.1)))
print(await asyncio.gather(reply("fine", 0.1), reply("fail", 0.1), return_exceptions=True))

# %% [markdown]
# `wait` takes tasks and raises nothing. It gives two sets, those that are done and those that are not. It is the tool for
# "whichever comes first".

# %%
tasks = [asyncio.create_task(reply("answer", 0.1)), asyncio.create_task(reply("timeout", 3600))]
done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
print("done:", [each.result() for each in done], "· pending:", len(pending))
for each in pending:
    each.cancel()

# %% [markdown]
# ## 5. A future: the place for a result
#
# Somebody waits for it, somebody else puts the result there, once. A call that waits for its answer is a future: the
# caller awaits it, the reader of the connection sets it.

# %%
answer = asyncio.get_running_loop().create_future()
asyncio.get_running_loop().call_later(0.1, answer.set_result, "Accepted")
print("the answer is", await answer)

# %% [markdown]
# ## 6. An event: "it has happened"
#
# Any number of tasks wait for an `Event`; `set` wakes them all. It stays set: who comes later does not wait.

# %%
closed = asyncio.Event()


async def waiter(name):
    await closed.wait()
    print(name, "knows that the connection is closed")


waiters = [asyncio.create_task(waiter(name)) for name in ("sender", "reader")]
await asyncio.sleep(0)
print("nobody knows yet")
closed.set()
await asyncio.gather(*waiters)

# %% [markdown]
# ## 7. A queue with a limit
#
# `put` waits while the queue is full, `get` waits while it is empty. The limit is what makes a fast sender wait for a slow
# receiver. That is called *back-pressure*.

# %% jupyter={"source_hidden": true}
# Question 4. The answer stands here: choose in the card below first.
q4 = lab.predict(
    "The queue has room for two, and the sender wants to put five. How far does it get before somebody takes "
    "something out?",
    {
        "a": ("it puts 1", "There is room for two, and `put` waits only while the queue is full."),
        "b": "it puts 2",
        "c": ("it puts 5", "So it would be without `maxsize`."),
        "d": ("it puts 2, then `put` raises", "`put` waits. It is `put_nowait` that raises `QueueFull`."),
    },
    answer="b",
    because="The third `put` waits until there is room, and nobody has taken anything out.",
)

# %%
queue = asyncio.Queue(maxsize=2)
put = []


async def sender():
    for number in range(5):
        await queue.put(number)
        put.append(number)


with q4:
    sending = asyncio.create_task(sender())
    await asyncio.sleep(0)
    print("put:", put, "· the sender waits:", not sending.done())

# %%
print("taken:", [await queue.get() for _ in range(5)], "· put:", put)
await sending

# %% [markdown]
# Without `maxsize` the sender would put all five, and with a peer that never reads, it would fill the memory.
#
# ## 8. `async for`: one thing after the other, as they come
#
# A function with `async def` and `yield` is an *async generator*. `async for` awaits each of its values. The frames that
# arrive over a connection are read like this.


# %%
async def frames():
    for text in ('[2,"1",…]', '[3,"1",…]'):
        await asyncio.sleep(0.1)
        yield text


async for text in frames():
    print("came:", text)
print("the connection has ended, and so has the loop")

# %% [markdown]
# ## 9. To cancel
#
# `cancel` raises `CancelledError` in a task, at the `await` where it waits. The task can clean up in `finally`. Do not
# catch `CancelledError` without raising it again: then nobody can end that task. (`except Exception` does not catch it.)


# %%
async def forever():
    try:
        await asyncio.sleep(3600)
    finally:
        print("cleaning up")


task = asyncio.create_task(forever())
await asyncio.sleep(0)
task.cancel()
await asyncio.wait([task])
print("cancelled:", task.cancelled())

# %% [markdown]
# ## 10. A timeout
#
# It cancels what is inside when time is up, and raises `TimeoutError` outside.

# %%
try:
    async with asyncio.timeout(0.1):
        await forever()
except TimeoutError:
    print("no answer in time")

# %% [markdown]
# A cancellation also reaches what you await *inside* the block. If somebody else needs that future too, wrap it:
# `await asyncio.shield(future)` can be cancelled, and the future lives on.

# %%
answer = asyncio.get_running_loop().create_future()
try:
    async with asyncio.timeout(0.1):
        await asyncio.shield(answer)
except TimeoutError:
    print("we have given up · the future was cancelled:", answer.cancelled())

# %% [markdown]
# ## 11. An exception in a task
#
# It comes out where somebody awaits the task. If nobody does, nobody hears of it, until Python throws the task away and
# logs "Task exception was never retrieved".

# %% jupyter={"source_hidden": true}
# Question 5. The answer stands here: choose in the card below first.
q5 = lab.predict(
    "The task fails while this cell sleeps. Does the cell raise?",
    {
        "a": ("yes, at `create_task`", "`create_task` only puts the task on the list of the event loop."),
        "b": (
            "yes, at `await asyncio.sleep(0.1)`",
            "The exception ends the task that fails, and not the one that sleeps.",
        ),
        "c": "no",
    },
    answer="c",
    because="The exception is kept in the task. It comes out where somebody awaits the task, and here nobody does.",
)

# %%
with q5:
    failing = asyncio.create_task(reply("fail", 0))
    await asyncio.sleep(0.1)
    print("we go on · the task has ended:", failing.done())

# %%
try:
    await failing
except ConnectionError as error:
    print("now we hear of it:", error)

# %% [markdown]
# ## 12. A TaskGroup: tasks with a parent
#
# A `TaskGroup` waits for all its children. If one of them fails, it cancels the others and raises what happened, in an
# `ExceptionGroup`; `except*` looks inside. So no task is left behind, and no error is lost. Everything that a connection
# needs is a child of one group: when the connection is lost, all of it ends.

# %%
try:
    async with asyncio.TaskGroup() as group:
        group.create_task(forever())
        group.create_task(reply("fail", 0.1))
except* ConnectionError as errors:
    print("the group ended with:", errors.exceptions[0])

# %% [markdown]
# ## Which of them do I need?
#
# | I want to … | use |
# |---|---|
# | run something beside me | `create_task`, or `group.create_task` if it must not outlive me |
# | get several results | `gather` |
# | go on with whichever comes first | `wait` |
# | hand one result to somebody who waits | a future |
# | tell everybody that something has happened | `Event` |
# | hand over many things, with back-pressure | `Queue(maxsize=…)` |
# | not wait for ever | `timeout` |

# %% [markdown]
# | before | the night begins |
# | :--- | ---: |
# | [START](../START.ipynb) | [**17:40**<br>Smoke tests →](01_smoke_tests.ipynb) |
