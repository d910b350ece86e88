# SPDX-License-Identifier: Apache-2.0
"""Settings and addresses out of pipes: what a shell makes works, what nobody may ever write to is refused."""

import os
import shlex
import subprocess

import harness
from harness import FAILED, OK, USAGE, Case, Finished, config, fovea, needs_model


class Pipes(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = cls.write("c.json", config({"gate": "rtsp://127.0.0.1:9/x"}, cls.folder / "out"))
        cls.urls = cls.write("urls.txt", "rtsp://127.0.0.1:9/x\n")
        cls.fifo = cls.folder / "fifo"
        os.mkfifo(cls.fifo)

    def shell(self, line, limit=20):
        line = line.format(f=shlex.quote(str(harness.FOVEA)), c=self.config, u=self.urls)
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=limit * harness.PATIENCE, check=False)
        return Finished(done.returncode, done.stdout, done.stderr, 0)

    def test_named_pipes_are_refused(self):
        for arguments, code in ((["run", "-c"], FAILED), (["config", "check"], USAGE), (["config", "show"], USAGE), (["doctor", "-c"], FAILED),
                                (["engine", "list", "-c"], FAILED), (["ingest", "--urls"], USAGE), (["config", "migrate"], USAGE),
                                (["snapshot", "-o", "x.jpg", "-c"], FAILED)):
            with self.subTest(arguments=arguments):
                done = fovea(*arguments, self.fifo, limit=5)
                self.assertEqual(done.code, code, str(done))
                self.assertIn("named pipe", done.text)

    def test_shell_pipes(self):
        for line in ("{f} config check <(cat {c})", "cat {c} | {f} config check /dev/stdin", "{f} config check /dev/stdin < {c}",
                     "{f} config check <(sleep 0.3; cat {c})", "{f} config show <(cat {c}) | grep gate", "{f} engine list -c <(cat {c})"):
            with self.subTest(line=line):
                self.assertEqual(self.shell(line).code, OK)
        for line in ("{f} ingest --duration 0.1 --urls <(cat {u})", "cat {u} | {f} ingest --duration 0.1 --urls /dev/stdin"):
            with self.subTest(line=line):
                self.assertIn("0 of 1 cameras", self.shell(line).out)

    @needs_model
    def test_run_reads_it_once(self):
        """It is checked and then loaded."""
        done = self.shell("{f} run -c <(cat {c}) --duration 0.2 --quiet", limit=30)
        self.assertEqual(done.code, OK, str(done))
