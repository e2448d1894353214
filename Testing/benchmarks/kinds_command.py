"""What the commands of the benchmarks of imperfect and missing labels have in common: their arguments, and one row after the other."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kinds_cell import Bench, Cell
from benchmarks.kinds_measure import of_scans
from benchmarks.kinds_rows import Row

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Chosen:
    """The arguments. rows: those that are run; all are in the tables. steps: 0, each row's own."""

    rows: tuple[Row, ...]
    folds: tuple[int, ...]
    seeds: tuple[int, ...]
    steps: int
    threads: int
    tables: bool
    work: Path
    out: Path

    def cells(self, bench: Bench, steps_of: Callable[[Row], int], looks_of: Callable[[Row], int]) -> Iterator[Cell]:
        """Fold by fold and seed by seed, so that every row has run once before one runs twice."""
        for fold in self.folds:
            for seed in self.seeds:
                for row in self.rows:
                    steps = self.steps or steps_of(row)
                    yield Cell(row, bench.study(row.study), fold, seed, steps, looks_of(row), self.threads)


def read_arguments(name: str, description: str | None, rows: Sequence[Row], arguments: Sequence[str]) -> Chosen:
    parser = argparse.ArgumentParser(
        prog=f"python3 Testing bench {name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tables-of", default="", help="only tables whose name contains this")
    parser.add_argument("--rows", default="", help="only rows whose title contains this; several with '|' between")
    parser.add_argument("--folds", default="0")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--steps", type=int, default=0, help="of the first round; 0: each table's own")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as the product takes")
    parser.add_argument("--tables", action="store_true", help="write the tables of what has run, and train nothing")
    parser.add_argument("--work", type=Path, default=PROJECT / ".venv" / f"bench-{name}")
    parser.add_argument("--out", type=Path, default=PROJECT / "Resources" / "Benchmarks")
    chosen = parser.parse_args(arguments)
    words = chosen.rows.split("|")
    wanted = [row for row in rows if chosen.tables_of in row.table and any(word in row.title for word in words)]
    folds, seeds = (tuple(int(word) for word in text.split(",")) for text in (chosen.folds, chosen.seeds))
    return Chosen(tuple(wanted), folds, seeds, chosen.steps, chosen.threads, chosen.tables, chosen.work, chosen.out)


def run_cells(bench: Bench, cells: Iterator[Cell], write: Callable[[], None]) -> None:
    """Runs what is not there yet; the tables are written after each."""
    for cell in cells:
        result = bench.run(cell)
        dice = of_scans(result, "dice")
        mean = f"Dice {sum(dice.values()) / len(dice):.3f}, " if dice else ""
        print(f"{cell.name}: {mean}{result['train_seconds']:.0f} s of training", flush=True)
        write()
