"""What stands behind the command line: checked inputs, the story on the screen, the operator's console, two runs.

`ends` and `app` declare the commands and their options; nothing else here knows typer.
"""
