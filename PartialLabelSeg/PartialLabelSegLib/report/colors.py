"""Structure colours that can be read on white and on black, and the style sheet that holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..data.contrast import Color, hexadecimal, readable

LIGHT, DARK = (1.0, 1.0, 1.0), (0.08, 0.09, 0.11)
_DASHES = ("", "7 3", "2 3", "8 3 2 3")


def dashes(colors: Sequence[Color]) -> list[str]:
    """For each colour the dash of its line: solid, and another one each time that a very similar colour has come before."""
    result = []
    for index, color in enumerate(colors):
        same = sum(sum(abs(a - b) for a, b in zip(color, other)) < 0.15 for other in colors[:index])
        result.append(_DASHES[same % len(_DASHES)])
    return result


def color_of(structure: Mapping[str, Any]) -> Color:
    """The segment colour of a structure of the report."""
    red, green, blue = structure["color"]
    return float(red), float(green), float(blue)


def variables(structures: Sequence[Mapping[str, Any]], background: Color) -> str:
    """`--s0: #...;` for each structure: its colour, readable as a line or a word on the background."""
    colors = [color_of(structure) for structure in structures]
    return "".join(f"--s{index}:{hexadecimal(readable(color, background))};" for index, color in enumerate(colors))


def round_shades(rounds: int, start: Color, stop: Color) -> str:
    """`--r0: #...;` for each round, from `start` to `stop`."""
    shades = []
    for number in range(rounds):
        share = number / max(1, rounds - 1)
        mixed = tuple((1 - share) * a + share * b for a, b in zip(start, stop))
        shades.append(f"--r{number}:{hexadecimal((mixed[0], mixed[1], mixed[2]))};")
    return "".join(shades)


STYLE = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:960px;padding:24px 28px 60px;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:27px;line-height:1.2;margin:0 0 8px}h2{font-size:20px;margin:40px 0 6px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:22px 0 4px}p{margin:6px 0 10px;max-width:76ch}.lead{font-size:17px}.soft,.none{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:10px;margin:20px 0}
.card{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.card b{display:block;font-size:23px;line-height:1.25;font-variant-numeric:tabular-nums}.card span{color:var(--soft);font-size:13px}
.card .what{color:var(--ink)}
.warn{border:1px solid var(--alarm);border-left-width:5px;border-radius:6px;padding:10px 16px;margin:18px 0;background:var(--panel)}
.warn h2{border:0;margin:0;padding:0;font-size:17px}.warn ul{margin:6px 0;padding-left:20px}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px;margin:10px 0}
th,td{padding:4px 12px 4px 0;text-align:right;border-bottom:1px solid var(--line);vertical-align:bottom}
th{font-weight:600;color:var(--soft)}th:first-child,td:first-child{text-align:left}tr.all td{font-weight:600}
td.text{text-align:left;overflow-wrap:anywhere}td:first-child{overflow-wrap:break-word;max-width:260px}td{min-width:64px}.origin td{min-width:14px}
.meter{display:block;height:4px;width:64px;margin:2px 0 1px auto;background:var(--line);border-radius:2px}
.meter i{display:block;height:4px;border-radius:2px;background:var(--accent)}td.best{font-weight:700}
.swatch{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:7px;border:1px solid var(--line)}
.chart{display:block;width:100%;height:auto;margin:8px 0}svg text{font-family:inherit;font-size:12px;fill:var(--ink)}
svg .tick{fill:var(--soft)}svg .title{fill:var(--soft)}svg .name{font-size:12.5px}svg .grid{stroke:var(--line);fill:none}
svg .axis,svg .section{stroke:var(--soft);fill:none}svg .section{stroke-dasharray:2 3}svg .lead{stroke-width:1;opacity:.6;fill:none}
svg .curve{fill:none;stroke-linejoin:round;stroke-linecap:round}
rect.expert{fill:var(--expert)}rect.last{fill:var(--last)}i.expert{background:var(--expert)}i.last{background:var(--last)}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;margin:8px 0;font-size:13.5px}.key i{display:inline-block;width:22px;height:12px;margin-right:6px;border-radius:2px}
.origin.few{table-layout:fixed;width:100%}.name-of{white-space:nowrap}.origin td,.origin th{padding:3px 4px;text-align:center}.origin td:first-child{text-align:left;padding-right:10px;white-space:nowrap}
.origin th.up{vertical-align:bottom;padding:4px 2px}.origin th.up span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:150px;overflow:hidden}
.origin td{vertical-align:middle}.mix{display:flex;height:12px;min-width:12px;border-radius:2px;overflow:hidden}.mix i{display:block;height:12px}
figure{margin:22px 0 30px;break-inside:avoid}figcaption{margin-bottom:6px}.pair{display:grid;grid-template-columns:1fr 1fr;gap:10px}
.pair svg{display:block;width:100%;height:auto;background:#000;border-radius:4px}.pair p{margin:2px 0;font-size:13px;color:var(--soft)}
svg text.on{fill:#fff;stroke:#000;stroke-width:2.6px;paint-order:stroke;font-size:12px}svg text.edge{fill:#cfd6de;font-size:12px}
.halo{fill:none;stroke:#000;opacity:.55}.out{fill:none;stroke-linejoin:round}
.scale{display:block;width:100%;max-width:340px;height:auto}.swatch.line{width:26px;height:0;border:0;border-top:3px solid;vertical-align:4px;border-radius:0}
.swatch.dashed{border-top-style:dashed}
details{margin:12px 0}summary{cursor:pointer;color:var(--accent);font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:14px}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:44px;border-top:1px solid var(--line);padding-top:10px;font-size:13px;color:var(--soft)}
@media (max-width:640px){.pair{grid-template-columns:1fr}body{padding:16px}}
@media print{body{max-width:none;padding:0;font-size:12px}h2,h3,h2+p,h3+p{break-after:avoid}.chart,tr,.card{break-inside:avoid}
.mix i,.meter,.meter i,.key i,.swatch{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
_PLAIN_LIGHT = "--paper:#fff;--panel:#f6f7f9;--ink:#16191d;--soft:#586069;--line:#dce0e5;--accent:#0b62a8;--alarm:#b3460b;--expert:#4a525c;--last:#e69a1f;"
_PLAIN_DARK = "--paper:#14171c;--panel:#1c2027;--ink:#e8ebef;--soft:#a2abb6;--line:#343b45;--accent:#6cb6f5;--alarm:#f09a52;--expert:#b9c2cd;--last:#d98f1b;"


def style_sheet(structures: Sequence[Mapping[str, Any]], rounds: int) -> str:
    """The page's CSS; on screens that ask for it, dark."""
    classes = "".join(f"rect.r{n}{{fill:var(--r{n})}}i.r{n}{{background:var(--r{n})}}" for n in range(rounds))
    own = "".join(f"--c{index}:{hexadecimal(color_of(entry))};" for index, entry in enumerate(structures))
    light = (
        _PLAIN_LIGHT + own + variables(structures, LIGHT) + round_shades(rounds, (0.02, 0.28, 0.55), (0.62, 0.80, 0.94))
    )
    dark = _PLAIN_DARK + variables(structures, DARK) + round_shades(rounds, (0.13, 0.42, 0.75), (0.68, 0.85, 0.98))
    schemes = (
        f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )
    return schemes + STYLE + classes
