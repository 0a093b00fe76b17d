"""What stands behind the command line: checked inputs, the story on the screen, the operator's console, two runs.

`ocpp_lab/__main__.py` declares the commands and their options; nothing here knows typer.
"""
