"""How many cramps are found with one disturbance at a time, in scenes of the tests' generator, not the simulator's.

python benchmarks/disturbances.py [--scenes 6]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from signals.disturbances import DISTURBANCES, LIMITS, Found, cramps_and_holds, found_with


def main() -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=6, help="each with eight cramps and eight voluntary contractions")
    scenes = [cramps_and_holds(seed) for seed in range(100, 100 + parser.parse_args().scenes)]
    print("| disturbance | cramps found | false |\n|---|---|---|")
    for name in (*DISTURBANCES, *LIMITS):
        total = sum((found_with(name, scene) for scene in scenes), Found())
        print(f"| {name} | {total.found} of {total.cramps} | {total.false} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
