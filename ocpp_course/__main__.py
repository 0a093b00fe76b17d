"""The command ``ocpp-lab``: the two ends of a connection, and the course."""

from ocpp_lab.cli.app import command_line
from ocpp_lab.cli.ends import ends
from ocpp_lab.cli.fleet_command import fleets

from .cli.commands import course
from .cli.explaining import explaining

HELP = """A central system and a charge point that speak OCPP 1.6-J, and a course about them.

Marks in the output: > sent, < received, = state, ! trouble.

\b
Try it, in two terminals:
  ocpp-lab central-system --interval 5
  ocpp-lab charge-point ws://127.0.0.1:9000 --identity CP_1

\b
What went wrong, in anybody's log:
  ocpp-lab explain steve.log

\b
In a clone of the project:
  ocpp-lab progress                  how far you are
  ocpp-lab grade exercises           the points of all your notebooks
  ocpp-lab run-mine                  the stack that you wrote, live and in chaos
"""

app = command_line(HELP, ends, fleets, explaining, course)

if __name__ == "__main__":
    app()
