# SPDX-License-Identifier: Apache-2.0
"""Help, versions and wrong usage."""

import pathlib
import re

from harness import FAILED, OK, USAGE, Case, fovea, free_port


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

    def test_unknown_option_shows_no_other_argument(self):
        for command in ("ingest", "probe"):
            done = fovea(command, "rtsp://admin:hunter-two@h/", "-xy")
            self.assert_refused(done, USAGE, "'-x'")
            self.assertNotIn("hunter-two", done.text)

    def test_output_that_cannot_be_written(self):
        full = pathlib.Path("/dev/full")
        if not full.is_char_device():
            self.skipTest("no /dev/full")
        address = f"rtsp://127.0.0.1:{free_port()}/x"
        for arguments in (["--help"], ["probe", "--help"], ["ingest", "--json", "--duration", "0.2", address]):
            with self.subTest(arguments=arguments), full.open("w") as output:
                done = fovea(*arguments, stdout=output)
                self.assert_refused(done, FAILED, "could not be written")

    def test_devices_and_links_are_not_replaced(self):
        link = self.folder / "link"
        link.symlink_to("/dev/null")
        self.assert_refused(fovea("ingest", "rtsp://10.0.0.1/a", "--stats-file", link), USAGE, "no regular file")
        self.assert_refused(fovea("run", "-c", "x.json", "--summary", link), USAGE, "no regular file")
        self.assertTrue(link.is_symlink())

    def test_run_without_config(self):
        self.assert_refused(fovea("run"), USAGE, "-c FILE")

    def test_duration_that_is_no_number(self):
        for text in ("soon", "-1", "", "nan"):
            self.assert_refused(fovea("run", "-c", "x.json", "--duration", text), USAGE, "--duration")

    def test_unknown_backend(self):
        self.assert_refused(fovea("run", "-c", "x.json", "--backend", "tpu"), USAGE, "tpu")
