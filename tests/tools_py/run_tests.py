#!/usr/bin/env python3
"""Runs every *_test.py of this folder with unittest and writes the results like a GoogleTest binary does.

  run_tests.py OUTPUT.xml
"""

import os
import sys
import unittest
import xml.etree.ElementTree as ElementTree

FOLDER = os.path.dirname(os.path.abspath(__file__))
SOURCE_FOLDER = os.path.dirname(os.path.dirname(FOLDER))


class RecordingResult(unittest.TextTestResult):
    """Keeps every test with its outcome."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test.id()] = None

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.outcomes[test.id()] = "failure"

    def addError(self, test, err):
        super().addError(test, err)
        self.outcomes[test.id()] = "error"

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.outcomes[test.id()] = "failure"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"


def write_xml(outcomes, path):
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name="tools_py")
    for name, outcome in outcomes.items():
        classname, _, method = name.rpartition(".")
        case = ElementTree.SubElement(suite, "testcase", classname=classname, name=method)
        if outcome is not None:
            ElementTree.SubElement(case, outcome)
    ElementTree.ElementTree(root).write(path)


def main(arguments):
    sys.path.insert(0, os.path.join(SOURCE_FOLDER, "tools"))
    tests = unittest.defaultTestLoader.discover(FOLDER, pattern="*_test.py")
    result = unittest.TextTestRunner(resultclass=RecordingResult, verbosity=1).run(tests)
    if arguments:
        write_xml(result.outcomes, arguments[0])
    return 0 if result.wasSuccessful() and result.testsRun > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
