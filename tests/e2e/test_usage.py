# SPDX-License-Identifier: Apache-2.0
"""Help, versions and wrong usage."""

import re

from harness import OK, USAGE, Case, fovea


class Usage(Case):
    def test_version(self):
        done = fovea("--version")
        self.assertEqual(done.code, OK, str(done))
        self.assertRegex(done.out, r"^fovea \d+\.\d+\.\d+\n$")

    def test_verbose_version_tells_licences(self):
        done = fovea("--version", "--verbose")
        self.assertEqual(done.code, OK, str(done))
        self.assertIn("Apache-2.0", done.out)
        if re.search(r"FFmpeg\s+built in", done.out):
            self.assertIn("GPL", done.out)

    def test_help(self):
        done = fovea("--help")
        self.assertEqual(done.code, OK, str(done))
        for command in ("run", "sim"):
            self.assertRegex(done.out, rf"\n\s+{command}\s")

    def test_help_of_commands(self):
        for command in ("run", "sim", "config"):
            done = fovea(command, "--help")
            self.assertEqual(done.code, OK, str(done))
            self.assertIn(f"fovea {command}", done.out)

    def test_nothing_asked(self):
        self.assertEqual(fovea().code, USAGE)

    def test_unknown_command(self):
        self.assert_refused(fovea("rum"), USAGE, "rum", "--help")

    def test_unknown_option(self):
        self.assert_refused(fovea("run", "--colour"), USAGE, "colour")

    def test_run_without_config(self):
        self.assert_refused(fovea("run"), USAGE, "-c FILE")

    def test_duration_that_is_no_number(self):
        for text in ("soon", "-1", "", "nan"):
            self.assert_refused(fovea("run", "-c", "x.json", "--duration", text), USAGE, "--duration")

    def test_unknown_backend(self):
        self.assert_refused(fovea("run", "-c", "x.json", "--backend", "tpu"), USAGE, "tpu")
