"""``python -m ocpp_lab``: the two ends of a connection. ``ocpp-lab`` has these and the commands of the course."""

from .cli.app import command_line
from .cli.ends import ends
from .cli.fleet_command import fleets

HELP = """A central system and a charge point that speak OCPP 1.6-J.

Marks in the output: > sent, < received, = state, ! trouble.

\b
Try it, in two terminals:
  ocpp-lab central-system --interval 5
  ocpp-lab charge-point ws://127.0.0.1:9000 --identity CP_1
"""

app = command_line(HELP, ends, fleets)

if __name__ == "__main__":
    app()
