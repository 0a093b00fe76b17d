"""`coloured`: Python code as HTML with colours, for light and dark pages; plain where Pygments is missing."""

from __future__ import annotations

from html import escape


def coloured(code: str) -> str:
    """A block of code on a light background; nothing but the looks hangs on the colours."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:
        return f"<pre>{escape(code)}</pre>"
    page = "color:#222;padding:.6em"  # with a background of its own, it is readable in a dark theme too
    formatter = HtmlFormatter(noclasses=True, style="default", cssstyles=page, prestyles="line-height:1.35")
    return str(highlight(code, PythonLexer(), formatter))
