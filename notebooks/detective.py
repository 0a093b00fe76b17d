# %% [markdown]
# [START](../START.ipynb) · [Trace viewer](trace_viewer.ipynb) · a game, as long as you like
#
# # Detective: which fault, and whose?
#
# Each evening is one charge point and one central system, the real stack on a simulated network. Drivers come, charge
# and leave. *One* thing is wrong, at one of the two ends. All that you have is what passed between them.
#
# Step through the ladder with ← and →, read the frames on the right, then choose what is wrong and whose fault it is.
# You are told at once, with the finding that proves it. Two points for the fault and one for the side, times the level:
#
# - *level 1*: one frame is enough;
# - *level 2*: two frames have to be compared;
# - *level 3*: look for what does not come, or comes at the wrong time.
#
# You need notebooks [1](01_smoke_tests.ipynb) to [4](04_call_correlation.ipynb). There is no last evening.

# %%
from ocpp_course import lab

case = lab.detective(1)
case

# %% [markdown]
# The same from Python: `case.accuse("…", "charge point")`, `case.another()`, `case.level = 2`, `case.score`. The number
# is a seed: whoever runs `lab.detective(17, level=3)` has the same evening as you, so you can compare.
#
# What would `ocpp-lab explain` have found? It reads the same frames, as text. Look here after you have chosen:

# %%
lines = case.puzzle.lines
print(f"{len(lines)} lines, {len(case.puzzle.log.seen)} frames; the first of them:")
print(case.puzzle.log.seen[0].text)
