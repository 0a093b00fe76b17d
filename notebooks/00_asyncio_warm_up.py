# %% [markdown]
# # Warm-up: asyncio in five cells
#
# One thread runs one *event loop*. It switches between tasks only where a task says `await`. A notebook has a loop that
# runs already, so a cell may say `await` at its top level.
#
# **1. Task.** A coroutine that runs beside the others. It starts when somebody awaits, and it has a result.

# %%
import asyncio


async def beat(name, seconds):
    await asyncio.sleep(seconds)
    print(name)
    return seconds


slow = asyncio.create_task(beat("slow", 0.2))
fast = asyncio.create_task(beat("fast", 0.1))
print("results:", await slow, await fast)

# %% [markdown]
# **2. Future.** A place for a result that somebody else will put there. A call that awaits its answer is one.

# %%
answer = asyncio.get_running_loop().create_future()
asyncio.get_running_loop().call_later(0.1, answer.set_result, "Accepted")
print("the answer is", await answer)

# %% [markdown]
# **3. Cancel.** Ends a task at the `await` where it waits. The task can clean up in `finally`.


# %%
async def forever():
    try:
        await asyncio.sleep(3600)
    finally:
        print("cleaning up")


task = asyncio.create_task(forever())
await asyncio.sleep(0.1)
task.cancel()
await asyncio.wait([task])
print("cancelled:", task.cancelled())

# %% [markdown]
# **4. Timeout.** Cancels what is inside when time is up, and raises `TimeoutError` outside.

# %%
try:
    async with asyncio.timeout(0.1):
        await forever()
except TimeoutError:
    print("no answer in time")

# %% [markdown]
# **5. TaskGroup.** A parent for tasks. It waits for all its children, and if one fails, the others are cancelled. So no
# task is left behind.


# %%
async def fail():
    raise ConnectionError("line cut")


try:
    async with asyncio.TaskGroup() as group:
        group.create_task(forever())
        group.create_task(fail())
except* ConnectionError as errors:
    print("the group ended with:", errors.exceptions[0])

# %% [markdown]
# That is all you need. Go on with [1. Smoke tests](01_smoke_tests.ipynb).
