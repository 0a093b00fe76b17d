# %% [markdown]
# [START](../START.ipynb) · [Detective](detective.ipynb) · a tool, no lesson
#
# # What happened in this log?
#
# Whoever works with chargers reads logs: of SteVe, of Home Assistant, of evcc, of a firmware. This page reads them for
# you: it finds the OCPP frames, whoever wrote them, pairs every call with its answer by its id, and says what is wrong,
# whose fault it is, and which lines prove it.
#
# **Nothing leaves your machine.** The file goes to the Python behind this page and nowhere else. In the web edition
# that Python runs in this browser tab, so nothing leaves the browser.
#
# Run the cell. It begins with a sample from the simulator: three drivers, a lost connection, two faults. Then drop a log
# of your own on the field.

# %%
from ocpp_course import lab

viewer = lab.TraceViewer(lab.sample_log(), name="sample.log")
viewer

# %% [markdown]
# ## How to read it
#
# - *Findings* stand first, the heaviest at the top. Open one: below it is a ladder of the frames around it, the charge
#   point left, the central system right. The frames in a box are those that prove it. Click one, or press ← and →.
# - *Proved* means that the frames leave no other reading. *Likely* means that something outside the log could explain
#   them too. Where the log ends too early, the report says so and blames nobody.
# - *Over time* shows each connector: transactions as bars, statuses as strips, and where each finding happened.
#
# ## From Python, and from a terminal
#
# `viewer.explained` is what the page shows. Its findings are plain values, so a program can use them:

# %%
for finding in viewer.explained.findings:
    print(f"{finding.weight:3} {finding.side:14} {finding.certainty:8} {finding.rule}, lines {finding.lines[:3]}")

# %% [markdown]
# A file in this folder is opened by its name, `lab.explain("night.log")`. A terminal does the same, for a page to send to
# a colleague, for a pipeline in CI, or for a log that may be shown in public:
#
# ```sh
# ocpp-lab explain night.log                          # summary and details
# ocpp-lab explain night.log --html report.html       # this page as one file
# ocpp-lab explain night.log --anonymise > shown.log  # identities, tags and serial numbers replaced
# ```
#
# What each finding means is in `docs/explain.md` of the project, with an example of every one. Would you have found them yourself? The
# [Detective](detective.ipynb) shows you evenings with one fault, and you say what it is.
