"""Pictures without a picture library: grey windows, an even colour map, PNG, and outlines of masks as SVG paths."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

# Ten evenly spaced colours of matplotlib's viridis (CC0): lightness rises evenly, also for the colour-blind and in grey print.
_EVEN = (
    (68, 1, 84),
    (72, 40, 120),
    (62, 74, 137),
    (49, 104, 142),
    (38, 130, 142),
    (31, 158, 137),
    (53, 183, 121),
    (110, 206, 88),
    (181, 222, 43),
    (253, 231, 37),
)


def grey(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """uint8: `values` from black at `low` to white at `high`; what is not a number is black."""
    share = (np.nan_to_num(values.astype(np.float32), nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-6)
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def even_colors(share: np.ndarray) -> np.ndarray:
    """uint8 (..., 3): shares 0..1 as colours whose lightness rises evenly."""
    stops = np.linspace(0, 1, len(_EVEN))
    table = np.array(_EVEN, float)
    return np.stack([np.rint(np.interp(share, stops, table[:, part])) for part in range(3)], axis=-1).astype(np.uint8)


def shrunk(values: np.ndarray, most: int) -> np.ndarray:
    """float32 (rows, columns) with at most `most` of either: means of whole blocks, the remainder at the far edges dropped."""
    step = -(-max(values.shape) // most)
    if step <= 1:
        return values.astype(np.float32)
    rows, columns = (max(1, n // step) for n in values.shape)
    height, width = min(step, values.shape[0]), min(step, values.shape[1])
    blocks = values[: rows * height, : columns * width].reshape(rows, height, columns, width)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 pixels: (rows, columns) grey, (rows, columns, 3) RGB or (rows, columns, 4) RGBA."""
    kinds = {(2, 1): 0, (3, 3): 2, (3, 4): 6}
    kind = kinds.get((pixels.ndim, pixels.shape[2] if pixels.ndim == 3 else 1))
    if pixels.dtype != np.uint8 or kind is None or not pixels.size:
        raise ValueError(f"a picture needs uint8 (rows, columns[, 3 or 4]), got {pixels.dtype} {pixels.shape}")
    rows = pixels.reshape(pixels.shape[0], -1)
    filtered = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, kind, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def data_address(pixels: np.ndarray) -> str:
    """The picture as a `data:` address that a page can hold."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")


def outline(mask: np.ndarray) -> str:
    """The borders of a bool mask (rows, columns) as an SVG path, in half pixels from the top left corner; corners are cut.

    Each closed ring goes through the middles of the pixel edges between inside and outside; holes have rings of their own.
    """
    rings = _rings(_edges(mask))
    return "".join(_path(ring) for ring in rings)


Corner = tuple[int, int]


def _edges(mask: np.ndarray) -> dict[Corner, list[Corner]]:
    """Directed pixel edges (x, y) -> (x, y) with the inside on their right hand, by their start."""
    padded = np.pad(mask.astype(np.int8), 1)
    across, down = np.diff(padded, axis=1)[1:-1], np.diff(padded, axis=0)[:, 1:-1]
    edges: dict[Corner, list[Corner]] = {}
    for change, step, forward in ((across, (0, 1), -1), (down, (1, 0), 1)):
        for y, x in np.argwhere(change != 0).tolist():
            near, far = (x, y), (x + step[0], y + step[1])
            start, stop = (near, far) if change[y, x] == forward else (far, near)
            edges.setdefault(start, []).append(stop)
    return edges


def _rings(edges: dict[Corner, list[Corner]]) -> list[list[Corner]]:
    """Closed chains of edges. Where two pixels meet at a corner only, the chain turns right, so that they stay apart."""
    rings = []
    while edges:
        start = next(iter(edges))
        before, at = start, edges[start][0]
        first, ring = at, [start]
        while True:
            came = (at[0] - before[0], at[1] - before[1])
            chosen = min(edges[at], key=lambda stop: _turn(came, (stop[0] - at[0], stop[1] - at[1])))
            edges[at].remove(chosen)
            if not edges[at]:
                del edges[at]
            if at == start and chosen == first:
                break
            ring.append(at)
            before, at = at, chosen
        rings.append(ring)
    return rings


def _turn(came: Corner, goes: Corner) -> int:
    """-1 for a turn towards the inside (clockwise on the screen), 0 straight on, 1 the other way."""
    return -(came[0] * goes[1] - came[1] * goes[0])


def _path(ring: list[Corner]) -> str:
    middles = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(ring, [*ring[1:], ring[0]])]
    before, after = [middles[-1], *middles[:-1]], [*middles[1:], middles[0]]
    kept = [
        here
        for last, here, then in zip(before, middles, after)
        if (here[0] - last[0]) * (then[1] - here[1]) != (here[1] - last[1]) * (then[0] - here[0])
    ]
    return "M" + "L".join(f"{x} {y}" for x, y in kept) + "Z"
