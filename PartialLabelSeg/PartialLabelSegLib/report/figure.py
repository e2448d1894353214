"""One case as a figure: the slice with the expert's and the suggested outlines, and beside it the confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from ..data.contrast import Color, hexadecimal
from .charts import shortened
from .pictures import data_address, even_colors, grey, outline, shrunk
from .slices import Picture

_WIDTH = 430.0
_MOST_PIXELS = 320
_LETTER, _LINE = 6.9, 15.0


@dataclass(frozen=True)
class Look:
    """How all figures of a page look alike: colours by structure, grey window (None: from each slice), confidence that gets the darkest colour."""

    colors: Mapping[str, Color]
    window: tuple[float, float] | None
    least: float

    @classmethod
    def of(cls, pictures: Sequence[Picture], colors: Mapping[str, Color], window: tuple[float, float] | None) -> Look:
        """The confidence scale starts at a round number below all but the least confident fiftieth."""
        values = [picture.confidence[np.isfinite(picture.confidence)] for picture in pictures]
        values = [part for part in values if part.size]
        low = float(np.percentile(np.concatenate(values), 2)) if values else 0.0
        return cls(colors, window, min(0.9, np.floor(low * 10) / 10))


def case_figure(picture: Picture, look: Look, number: int, caption: str) -> str:
    """A `<figure>`; `number` sets it apart from the other figures of the page. `caption` is HTML."""
    view = picture.view
    rows, columns = picture.grey.shape
    scale = _WIDTH / (columns * view.pixel_mm[1])
    size = (scale * view.pixel_mm[0], scale * view.pixel_mm[1])
    height = rows * size[0]
    box = f'viewBox="0 0 {_WIDTH:.0f} {height:.0f}" role="img"'
    left = (
        _grey_image(picture, look, number, size)
        + _outlines(picture, look, size)
        + _names(picture, size)
        + _letters(view.letters, height)
    )
    right = (
        f'<use href="#scan{number}" opacity="0.6"/>' + _confidence(picture, look, size) + _thin_outlines(picture, size)
    )
    where = f"{view.plane} slice {view.index + 1} of {picture.slices}"
    return (
        f'<figure><figcaption>{caption} <span class="soft">{where}</span></figcaption>'
        f'<div class="pair"><div><svg {box} aria-label="outlines">{left}</svg>{_key(picture, look)}</div>'
        f'<div><svg {box} aria-label="confidence">{right}</svg>{_color_bar(look.least)}</div></div></figure>'
    )


def _step(picture: Picture) -> int:
    return -(-max(picture.grey.shape) // _MOST_PIXELS)


def _place(pixels: np.ndarray, picture: Picture, size: tuple[float, float]) -> str:
    """The attributes of an image that stands for whole blocks of the slice's pixels."""
    step = _step(picture)
    height, width = pixels.shape[0] * step * size[0], pixels.shape[1] * step * size[1]
    return f'width="{width:.2f}" height="{height:.2f}" preserveAspectRatio="none" href="{data_address(pixels)}"'


def _grey_image(picture: Picture, look: Look, number: int, size: tuple[float, float]) -> str:
    low, high = look.window or (float(np.percentile(picture.grey, 1)), float(np.percentile(picture.grey, 99.5)))
    pixels = grey(shrunk(picture.grey, _MOST_PIXELS), low, high)
    return f'<image id="scan{number}" {_place(pixels, picture, size)}/>'


def _confidence(picture: Picture, look: Look, size: tuple[float, float]) -> str:
    if not np.isfinite(picture.confidence).any():
        return '<text class="edge" x="12" y="24">no prediction in this slice</text>'
    step = _step(picture)
    rows, columns = (n // step for n in picture.grey.shape)
    values = picture.confidence[step // 2 :: step, step // 2 :: step][:rows, :columns]
    there = np.isfinite(values)
    share = np.clip((np.nan_to_num(values) - look.least) / (1 - look.least), 0, 1)
    pixels = np.concatenate([even_colors(share), there[..., None] * np.uint8(255)], axis=-1)
    pixels[~there] = 0
    return f'<image {_place(pixels, picture, size)} style="image-rendering:pixelated"/>'


def _outlines(picture: Picture, look: Look, size: tuple[float, float]) -> str:
    halos, lines = [], []
    for group, dash, said in (
        (picture.expert, "", "drawn"),
        (picture.suggested, ' stroke-dasharray="5 3.5"', "suggested"),
    ):
        for name, mask in group.items():
            path = outline(mask)
            color = hexadecimal(look.colors[name])
            halos.append(f'<path class="halo" vector-effect="non-scaling-stroke" stroke-width="3.6" d="{path}"/>')
            style = f'class="out" vector-effect="non-scaling-stroke" stroke-width="2" stroke="{color}"{dash}'
            lines.append(f'<path {style} d="{path}"><title>{escape(name)}, {said}</title></path>')
    return f'<g transform="scale({size[1] / 2:.4f} {size[0] / 2:.4f})">{"".join(halos + lines)}</g>'


def _thin_outlines(picture: Picture, size: tuple[float, float]) -> str:
    """The suggested outlines again, in white, so that the eye finds them in the colours."""
    paths = "".join(outline(mask) for mask in picture.suggested.values())
    style = 'class="out" vector-effect="non-scaling-stroke" stroke-width="1.1" stroke="#fff" stroke-dasharray="4 3"'
    return f'<g transform="scale({size[1] / 2:.4f} {size[0] / 2:.4f})"><path {style} d="{paths}"/></g>' if paths else ""


def _names(picture: Picture, size: tuple[float, float]) -> str:
    """Names on the larger structures, where they do not cover one another."""
    masks: dict[str, np.ndarray] = dict(picture.expert)
    for name, mask in picture.suggested.items():
        masks[name] = masks[name] | mask if name in masks else mask
    taken: list[tuple[float, float, float]] = []
    parts = []
    for name, mask in sorted(masks.items(), key=lambda item: -int(item[1].sum())):
        text = shortened(name, 16)
        half = _LETTER * len(text) / 2
        across, down = _name_place(mask, size, half)
        across = min(max(across, half + 3), _WIDTH - half - 3)
        if any(abs(down - other[1]) < _LINE and abs(across - other[0]) < half + other[2] for other in taken):
            continue
        taken.append((across, down, half))
        parts.append(f'<text class="on" x="{across:.0f}" y="{down + 4:.0f}" text-anchor="middle">{escape(text)}</text>')
    return "".join(parts)


def _name_place(mask: np.ndarray, size: tuple[float, float], half: float) -> tuple[float, float]:
    """In the middle of a structure that has room for its name, else just above it (below it at the top edge)."""
    y, x = _middle(mask)
    rows = np.flatnonzero(mask.any(axis=1))
    across, down = (x + 0.5) * size[1], (y + 0.5) * size[0]
    top, bottom = rows[0] * size[0], (rows[-1] + 1) * size[0]
    if np.count_nonzero(mask[y]) * size[1] >= 1.6 * half and bottom - top >= 2 * _LINE:
        return across, down
    return (across, top - 0.6 * _LINE) if top > 2 * _LINE else (across, bottom + 0.8 * _LINE)


def _middle(mask: np.ndarray) -> tuple[int, int]:
    """The pixel of the mask that is nearest to its centre of mass."""
    places = np.argwhere(mask)
    nearest = int(np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1)))
    return int(places[nearest, 0]), int(places[nearest, 1])


def _letters(letters: tuple[str, str, str, str], height: float) -> str:
    left, right, top, bottom = letters
    places = (
        (9, height / 2, left),
        (_WIDTH - 9, height / 2, right),
        (_WIDTH / 2, 15, top),
        (_WIDTH / 2, height - 7, bottom),
    )
    return "".join(
        f'<text class="edge" x="{x:.0f}" y="{y:.0f}" text-anchor="middle">{letter}</text>' for x, y, letter in places
    )


def _key(picture: Picture, look: Look) -> str:
    parts = []
    for group, kind, said in ((picture.expert, "line", "drawn"), (picture.suggested, "line dashed", "suggested")):
        if group:
            names = ", ".join(_dabbed(name, look) for name in group)
            parts.append(f'<p><i class="swatch {kind}"></i>{said}: {names}</p>')
    return "".join(parts) or "<p>Nothing is drawn or suggested here.</p>"


def _dabbed(name: str, look: Look) -> str:
    dab = f'<i class="swatch" style="background:{hexadecimal(look.colors[name])}"></i>'
    return f'<span class="name-of">{dab}{escape(name)}</span>'


def _color_bar(least: float) -> str:
    cells = 40
    colors = even_colors(np.linspace(0, 1, cells))
    bar = "".join(
        f'<rect x="{10 + index * 8}" y="4" width="8" height="11" shape-rendering="crispEdges" fill="{hexadecimal(tuple(color / 255))}"/>'
        for index, color in enumerate(colors)
    )
    marks = ((10, f"≤ {least:g}" if least > 0 else "0"), (170, f"{(1 + least) / 2:.3g}"), (330, "1"))
    numbers = "".join(f'<text class="tick" x="{x}" y="29" text-anchor="middle">{text}</text>' for x, text in marks)
    return f'<svg class="scale" viewBox="-8 0 356 34" style="background:none" role="img" aria-label="colour scale">{bar}{numbers}</svg><p>confidence in the predicted structure; white dashes: suggested</p>'
