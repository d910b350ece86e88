# SPDX-License-Identifier: Apache-2.0
"""`fovea ingest`: counts, stats file, signals, JSON, wrong addresses, cameras that refuse."""

import json
import signal
import time

import harness
from harness import (FAILED, OK, USAGE, Case, FakeCamera, Simulator, finish, fovea, free_port, needs_clip, start,
                     talk_garbage, talk_silence)

SECRET = "hunter-two-secret"
FIELDS = ["url", "state", "access_units", "keyframes", "bytes", "packets", "lost", "reordered", "reconnects", "first_au_ms"]
FPS = 10  # of the simulator


def figures(done):
    """The JSON of a run: one line, nothing else."""
    lines = done.out.splitlines()
    assert len(lines) == 1, str(done)
    return json.loads(lines[0])


@needs_clip
class Ingest(Case):
    def test_counts_of_64_cameras(self):
        with Simulator(cameras=64) as sim:
            urls = self.write("urls", "# all of them\n\n" + "".join(f"  {sim.url(i)}\n" for i in range(64)))
            done = fovea("ingest", "--transport", "tcp", "--urls", urls, "--connect-rate", 200, "--connects-per-host", 64,
                         "--duration", 6, "--json")
            self.assertEqual(done.code, OK, str(done))
        made = figures(done)
        self.assertEqual(list(made), ["cameras", "cpu_s", "wall_s"])
        self.assertEqual([camera["url"] for camera in made["cameras"]], [sim.url(i) for i in range(64)])
        self.assertAlmostEqual(made["wall_s"], 6, delta=2)
        self.assertLess(made["cpu_s"], made["wall_s"])
        for camera in made["cameras"]:
            self.assertEqual(list(camera), FIELDS)
            self.assertEqual(camera["state"], "playing")
            self.assertEqual((camera["lost"], camera["reordered"], camera["reconnects"]), (0, 0, 0))
            expected = FPS * (made["wall_s"] - camera["first_au_ms"] / 1000)
            self.assertAlmostEqual(camera["access_units"], expected, delta=5)
            self.assertGreaterEqual(camera["keyframes"], 1)
            self.assertGreater(camera["packets"], camera["access_units"])
            self.assertGreater(camera["bytes"], 500 * camera["packets"])

    def test_stats_file_and_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number), Simulator(cameras=4) as sim:
                stats = self.folder / f"stats-{number}"
                process = start("ingest", *(sim.url(i) for i in range(4)), "--json", "--stats-file", stats)
                seen, inodes, end = [], set(), time.monotonic() + 4 * harness.PATIENCE
                while time.monotonic() < end:
                    if stats.exists():
                        text = stats.read_text()
                        self.assertTrue(text.endswith("\n") and text.count("\n") == 1, repr(text))
                        seen.append(int(text.split()[0]))
                        inodes.add((stats.stat().st_ino, stats.stat().st_mtime_ns))
                    time.sleep(0.05)
                process.send_signal(number)
                done = finish(process, 5)
                self.assertEqual(done.code, OK, str(done))
                self.assertEqual(seen, sorted(seen))
                self.assertGreaterEqual(len(inodes), 6)  # 8 times in 4 s are promised; the machine may be busy
                total = sum(camera["access_units"] for camera in figures(done)["cameras"])
                self.assertEqual(int(stats.read_text().split()[0]), total)
                self.assertGreater(total, 40)
                self.assertEqual([p.name for p in self.folder.glob("*.tmp")], [])

    def test_sick_cameras_do_not_disturb(self):
        with Simulator(cameras=2, auth=f"admin:{SECRET}") as sim, FakeCamera(talk_garbage) as garbage, \
                FakeCamera(talk_silence) as silent:
            done = fovea("ingest", sim.url(0, f"admin:{SECRET}@"), sim.url(1, f"admin:not-{SECRET}@"), garbage.url,
                         silent.url, f"rtsp://127.0.0.1:{free_port()}/x", "--duration", 4, "--json")
        self.assertEqual(done.code, OK, str(done))
        self.assertNotIn(SECRET, done.text)
        good, *bad = figures(done)["cameras"]
        self.assertEqual((good["state"], good["reconnects"]), ("playing", 0))
        self.assertGreater(good["access_units"], 15)
        for camera in bad:
            self.assertNotEqual(camera["state"], "playing")
            self.assertEqual(camera["access_units"], 0)
            self.assertIsNone(camera["first_au_ms"])

    def test_table(self):
        with Simulator(cameras=1, auth=f"admin:{SECRET}") as sim:
            done = fovea("ingest", sim.url(0, f"admin:{SECRET}@"), f"rtsp://127.0.0.1:{free_port()}/x", "--duration", 2)
        self.assertEqual(done.code, OK, str(done))
        self.assertIn(sim.url(0), done.out)
        self.assertIn("refused", done.out)
        self.assertIn("1 of 2 cameras played", done.out)
        self.assertNotIn(SECRET, done.text)

    def test_stats_file_that_cannot_be_written(self):
        with Simulator(cameras=1) as sim:
            done = fovea("ingest", sim.url(0), "--duration", 1.5, "--stats-file", self.folder / "none" / "stats")
        self.assertEqual(done.code, FAILED, str(done))
        self.assertEqual(done.err.count("cannot be written"), 1, str(done))


class IngestUsage(Case):
    def test_wrong_addresses(self):
        urls = self.write("bad", f"rtsp://10.0.0.1/a\n# fine\nhttp://admin:{SECRET}@10.0.0.1/b\n")
        done = fovea("ingest", "--urls", urls)
        self.assert_refused(done, USAGE, r"bad line 3:.*rtsp://")
        self.assertNotIn(SECRET, done.text)
        self.assert_refused(fovea("ingest", "rtsp://10.0.0.1/a", f"rtsp://admin:{SECRET}@/b"), USAGE, "address 2:")

    def test_nothing_to_do(self):
        self.assert_refused(fovea("ingest"), USAGE, "address is needed")
        self.assert_refused(fovea("ingest", "--urls", self.write("empty", "# none\n")), USAGE, "address is needed")
        self.assert_refused(fovea("ingest", "--urls", self.folder / "nowhere"), USAGE, "cannot be read")

    def test_ca_file_that_cannot_be_used(self):
        for name, why in ((self.folder / "none.pem", "not found"), (self.write("text.pem", "no certificate\n"), "PEM")):
            done = fovea("ingest", "--tls-ca-file", name, "rtsps://127.0.0.1/a", "--duration", 1)
            self.assert_refused(done, USAGE, str(name), why)

    def test_wrong_options(self):
        for option in (["--transport", "multicast"], ["--duration", "0"], ["--duration", "soon"], ["--gather-ms", "-1"],
                       ["--connect-rate", "0"], ["--reorder-ms"], ["--what"]):
            with self.subTest(option=option):
                self.assert_refused(fovea("ingest", "rtsp://10.0.0.1/a", *option), USAGE, option[0])

    def test_help(self):
        done = fovea("ingest", "--help")
        self.assertEqual(done.code, OK)
        self.assertIn("Examples:", done.out)
