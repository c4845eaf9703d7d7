import os
import tempfile
import unittest

import count_tests

PASSED_ENTRY = '<testcase name="text.unit" classname="text.unit" status="run"/>'
FAILED_ENTRY = '<testcase name="text.unit" classname="text.unit" status="fail"><failure message=""/></testcase>'


class CountTestsTest(unittest.TestCase):
    def count(self, entry, binary_xml=None):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "ctest.junit"), "w", encoding="utf-8") as file:
                file.write(f"<testsuite>{entry}</testsuite>")
            if binary_xml is not None:
                with open(os.path.join(folder, "text.unit.xml"), "w", encoding="utf-8") as file:
                    file.write(binary_xml)
            return count_tests.count_folder(folder)

    def test_adds_passed_failed_and_skipped_tests_of_a_binary(self):
        count = self.count(FAILED_ENTRY, """<testsuites><testsuite name="A">
            <testcase name="Holds" classname="A" status="run" result="completed"/>
            <testcase name="Breaks" classname="A" status="run" result="completed"><failure message="x"/></testcase>
            <testcase name="NeedsGpu" classname="A" status="run" result="skipped"><skipped message="no"/></testcase>
            <testcase name="DISABLED_Off" classname="A" status="notrun" result="suppressed"/>
            </testsuite></testsuites>""")
        self.assertEqual(count.line(), "1 passed, 1 failed, 1 skipped")
        self.assertEqual(count.failed, ["A.Breaks"])
        self.assertEqual(count.skipped, ["A.NeedsGpu"])

    def test_leaves_skipped_out_of_the_line_where_there_is_none(self):
        count = self.count(PASSED_ENTRY, '<testsuites><testcase name="Holds" classname="A" status="run"/></testsuites>')
        self.assertEqual(count.line(), "1 passed, 0 failed")

    def test_counts_a_crash_without_a_report_as_a_failure(self):
        self.assertEqual(self.count(FAILED_ENTRY).line(), "0 passed, 1 failed")

    def test_counts_a_crash_after_passed_tests_as_a_failure(self):
        count = self.count(FAILED_ENTRY, '<testsuites><testcase name="Holds" classname="A" status="run"/></testsuites>')
        self.assertEqual(count.line(), "1 passed, 1 failed")

    def test_counts_a_damaged_report_as_a_failure(self):
        self.assertEqual(self.count(PASSED_ENTRY, "<testsuites><testc").line(), "0 passed, 1 failed")

    def test_counts_a_binary_that_reports_nothing_as_a_failure(self):
        self.assertEqual(self.count(PASSED_ENTRY).line(), "0 passed, 1 failed")

    def test_counts_a_run_without_any_test_as_a_failure(self):
        self.assertEqual(self.count("").line(), "0 passed, 1 failed")


if __name__ == "__main__":
    unittest.main()
