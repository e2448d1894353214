"""A chart of a page as a file of its own: what the page's style sheet would say is written into each element.

Slide and office programs and Qt read neither style sheets nor CSS variables in an SVG.
"""

from __future__ import annotations

import re

_COLORS = {"paper": "#ffffff", "ink": "#16191d", "soft": "#586069", "line": "#dce0e5", "accent": "#0b62a8"}
_LINE = 'fill="none" stroke="var({})"'
_LOOKS = {
    "grid": _LINE.format("--line"),
    "axis": _LINE.format("--soft"),
    "section": f'{_LINE.format("--soft")} stroke-dasharray="2 3"',
    "lead": 'fill="none" stroke-width="1" opacity=".6"',
    "curve": 'fill="none" stroke-linejoin="round" stroke-linecap="round"',
    "tick": 'fill="var(--soft)" font-size="12"',
    "title": 'fill="var(--soft)" font-size="12"',
    "name": 'fill="var(--ink)" font-size="12.5"',
    "expert": 'fill="#4a525c"',
    "last": 'fill="#e69a1f"',
    "head": 'fill="var(--ink)" font-size="14" font-weight="600"',
}
_FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def svg_file(svg: str) -> str:
    """The text of a file that holds one `<svg>` of this room on white; it refers to nothing outside itself. ValueError: not an SVG (an empty chart is a sentence)."""
    if not svg.startswith("<svg "):
        raise ValueError("there is nothing drawn to put into a file")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size, "every chart of this room has its size in its view box"
    looked = re.sub(r'class="(\w+)"', lambda found: _LOOKS.get(found[1], ""), svg)
    plain = re.sub(r"var\(--(\w+)\)", lambda found: _COLORS[found[1]], looked)
    head, rest = plain.split(">", 1)
    root = f'{head} xmlns="http://www.w3.org/2000/svg" width="{size[1]}" height="{size[2]}" font-family="{_FONT}" font-size="12"'
    return f'{root}><rect width="{size[1]}" height="{size[2]}" fill="{_COLORS["paper"]}"/>{rest}\n'
