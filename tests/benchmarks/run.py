"""`make bench`: measures the rows beside their peers; `make bench ROWS='batch;HEA, 8'` some.

    python tests/benchmarks/run.py [--rows WORDS] [--out FILE] [--patience SECONDS] [--rounds NUMBER] [--list]

A row is chosen by its group or by words of its name. No figure is asserted, as a shared machine is too noisy
for that; a ratio short of its goal is marked.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
import warnings
from pathlib import Path

if __name__ == "__main__":  # before anything that starts threads is imported
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", HYBRIDGE_NUM_THREADS="1")
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    sys.path.insert(0, str(Path(__file__).parents[1]))

import hybridge as hb
from benchmarks import (
    report,
    rows_hub,
    rows_kernels,
    rows_light,
    rows_noise,
    rows_qubits,
    rows_samples,
    rows_start,
)
from benchmarks.comparison import Found, Row, Settings
from benchmarks.peers import installed
from benchmarks.timing import Effort

TABLES = (rows_qubits, rows_samples, rows_light, rows_start, rows_hub, rows_kernels, rows_noise)
ROWS: list[Row] = [row for table in TABLES for row in table.ROWS]


def chosen(words: str) -> list[Row]:
    """The rows of groups and parts of names with semicolons between; all for an empty list."""
    wanted = [word.strip() for word in words.split(";") if word.strip()]
    return [row for row in ROWS if not wanted or any(w == row.group or w in row.work for w in wanted)]


def main() -> None:
    parser = argparse.ArgumentParser(description="hybridge beside its peers")
    parser.add_argument("--rows", default="", help="groups or parts of names, with semicolons between")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    parser.add_argument("--patience", type=float, default=20.0, help="longest compilation of a peer, seconds")
    parser.add_argument("--rounds", type=int, default=Effort().rounds, help="how often each work is timed")
    parser.add_argument("--list", action="store_true", help="name the rows and stop")
    options = parser.parse_args()
    rows = chosen(options.rows)
    if options.list or not rows:
        print(*(f"{row.group:12} {row.work}" for row in rows or ROWS), sep="\n")
        return
    warnings.filterwarnings("ignore")  # the peers' own
    settings = Settings(installed(), Effort(options.rounds), options.patience)
    versions = {m.__name__.rpartition(".in_")[2]: m.VERSION for m in settings.peers.theirs}
    versions["hybridge"] = hb.__version__
    found: dict[str, Found] = {}
    failed: list[str] = []
    for row in rows:
        start, used = time.perf_counter(), time.process_time()
        try:
            found[row.work] = row.measure(settings)
        except Exception:
            traceback.print_exc()
            failed.append(row.work)
            continue
        wall, used = time.perf_counter() - start, time.process_time() - used
        print(f"{row.work}: {wall:.0f} s, of them {used:.0f} s on the processor", file=sys.stderr, flush=True)
        report.merge(options.out, {row.work: found[row.work]}, versions, settings.peers.missing)
    report.show(found, settings.peers.missing)
    print(f"written to {options.out}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
