#!/usr/bin/env python3
"""Counts the tests of one ctest run from the XML files that the test binaries and ctest wrote.

  count_tests.py FOLDER     FOLDER has ctest.junit and one NAME.xml for each entry of ctest

A ctest entry that failed although its XML file shows no failed test, or has no XML file, counts as one failed test:
its binary crashed or ran out of time. Prints the names of failed and skipped tests, then the count as the last line.
Exit status 1 when a test failed or none ran.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def line(self):
        text = f"{self.passed} passed, {len(self.failed)} failed"
        return text + (f", {len(self.skipped)} skipped" if self.skipped else "")


def count_binary(path, count):
    """Adds the tests of one gtest XML file. Returns how many of them failed and how many there are."""
    failures = total = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        if case.get("status") == "notrun":
            continue
        total += 1
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed.append(name)
            failures += 1
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            count.skipped.append(name)
        else:
            count.passed += 1
    return failures, total


def count_entry(folder, entry, count):
    """Adds one entry of ctest: its XML file's tests, or the entry itself."""
    name = entry.get("name")
    # ctest's junit says "run" for a pass, "fail", and "notrun" or "disabled" for what could not start.
    entry_failed = entry.get("status") != "run" or entry.find("failure") is not None
    path = os.path.join(folder, name + ".xml")
    failures = total = 0
    if os.path.exists(path):
        try:
            failures, total = count_binary(path, count)
        except ElementTree.ParseError:
            entry_failed = True
    elif not entry_failed:
        count.failed.append(f"{name} (left no {name}.xml)")
    if entry_failed and failures == 0:
        ran = f"after {total} tests were counted" if total else "before it could report"
        count.failed.append(f"{name} (its program ended badly, {ran})")


def count_folder(folder):
    count = Count()
    junit = os.path.join(folder, "ctest.junit")
    if not os.path.exists(junit):
        count.failed.append("ctest (it did not run)")
        return count
    for entry in ElementTree.parse(junit).getroot().iter("testcase"):
        count_entry(folder, entry, count)
    if count.passed == 0 and not count.failed:
        count.failed.append("ctest (no test ran)")
    return count


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    count = count_folder(arguments[0])
    for name in count.skipped:
        print(f"skipped: {name}")
    for name in count.failed:
        print(f"FAILED: {name}")
    print(count.line())
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
