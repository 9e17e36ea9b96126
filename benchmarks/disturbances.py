"""How many cramps are found with one disturbance at a time, in scenes of a generator that is not the simulator's.

python benchmarks/disturbances.py [--scenes 6]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from signals.disturbances import DISTURBANCES, LIMITS, Found, cramps_and_holds, found_with


def main() -> int:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=6, help="of eight cramps and eight willed holds each")
    scenes = [cramps_and_holds(seed) for seed in range(100, 100 + parser.parse_args().scenes)]
    print("| disturbance | cramps found | false |\n|---|---|---|")
    for name in (*DISTURBANCES, *LIMITS):
        total = sum((found_with(name, scene) for scene in scenes), Found())
        print(f"| {name} | {total.found} of {total.cramps} | {total.false} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
