#!/usr/bin/env python3
"""order.py PROGRAM FILE...: the functions that lists of touched addresses (touched.c) fall into, by their symbols, in the
order of the first touch. PROGRAM still has its symbols. What lld's --symbol-ordering-file takes."""

import bisect
import subprocess
import sys


def functions(program):
    found = {}
    listing = subprocess.run(["nm", "--defined-only", program], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        address, kind, name = line.split(maxsplit=2)
        # Of several names at one address the first is as good as any: lld moves the section.
        if kind in "tTwW":
            found.setdefault(int(address, 16), []).append(name)
    return found


def main():
    names = functions(sys.argv[1])
    starts = sorted(names)
    seen = set()
    for path in sys.argv[2:]:
        with open(path, encoding="ascii") as file:
            for line in file:
                at = bisect.bisect_right(starts, int(line, 16)) - 1
                if at < 0 or starts[at] in seen:
                    continue
                seen.add(starts[at])
                for name in names[starts[at]]:
                    print(name)


if __name__ == "__main__":
    main()
