import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(SOURCE, "examples", "reward_python", "plugin_server.py")


def python_with_grpc():
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import grpc, google.protobuf"], capture_output=True, check=False).returncode == 0:
            return python
    return None


class PluginServerTest(unittest.TestCase):
    """plugin_server.py, copied out of the checkout, as its README says."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        shutil.copy(EXAMPLE, self.folder.name)

    def run_beside(self, arguments, code, **environment):
        return subprocess.run([*arguments, "-c", code], cwd=self.folder.name, capture_output=True, text=True, check=False,
                              env={**os.environ, **environment})

    def test_says_what_to_install_where_grpc_is_missing(self):
        # -S leaves out every installed package.
        result = self.run_beside([sys.executable, "-S"], "import plugin_server")
        self.assertEqual(result.returncode, 1)
        self.assertIn("python3-grpcio", result.stderr)
        self.assertNotIn("Traceback", result.stderr)

    def test_finds_the_contract_beside_itself_or_says_what_to_do(self):
        python = python_with_grpc()
        if python is None:
            self.skipTest("no python3 that imports grpc")
        code = "import plugin_server; print(plugin_server.find_proto())"
        result = self.run_beside([python], code)
        self.assertEqual(result.returncode, 1)
        self.assertIn("copy proto/reward.proto", result.stderr)
        proto = os.path.join(SOURCE, "proto", "reward.proto")
        self.assertEqual(self.run_beside([python], code, PLUMB_PROTO=proto).stdout.strip(), proto)
        shutil.copy(proto, self.folder.name)
        self.assertIn(os.path.join(os.path.realpath(self.folder.name), "reward.proto"), self.run_beside([python], code).stdout)


if __name__ == "__main__":
    unittest.main()
