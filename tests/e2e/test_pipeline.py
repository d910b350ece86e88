# SPDX-License-Identifier: Apache-2.0
"""The whole way on the real clip: four cameras, two codecs; what comes out and what the figures say about it."""

import collections
import contextlib
import json
import os
import resource

import harness
from harness import OK, Case, Simulator, config, needs_clip, needs_model

SECONDS = 14
FPS = 10
NAMES = ["gate", "plaza", "crossing", "car-park"]
# The forecourt's paved way, and a line across it at the lamp post.
ZONE = {"NAME": "forecourt", "POINTS": [[0.32, 0.36], [0.72, 0.36], [0.92, 0.78], [0.55, 0.66], [0.32, 0.47]],
        "CLASSES": ["person"], "ENTER_EXIT": True, "DWELL_S": 2}
LINE = {"NAME": "lamp post", "POINTS": [[0.55, 0.7], [0.55, 0.3]]}


def busy_seconds():
    """CPU seconds that the whole machine has worked, and those of this test's ended children."""
    ticks = [int(word) for word in open("/proc/stat").readline().split()[1:9]]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = sum(ticks) - ticks[3] - ticks[4]  # without idle and iowait
    return work / os.sysconf("SC_CLK_TCK"), children.ru_utime + children.ru_stime


@needs_clip
@needs_model
class FourCameras(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.out = cls.folder / "out"
        all_before, ours_before = busy_seconds()
        with Simulator(cameras=4) as sim:
            made = config({name: sim.url(i) for i, name in enumerate(NAMES)}, cls.out,
                          output={"SAVE_FRAMES": True, "FRAME_SAVE_INTERVAL": 10})
            made["cameras"].update(ZONES=[ZONE], LINES=[LINE])
            cls.done, cls.summary = cls.run_engine(made, SECONDS)
            cls.sim_code = sim.stop()
        all_after, ours_after = busy_seconds()
        cls.others_cores = ((all_after - all_before) - (ours_after - ours_before)) / SECONDS
        events = cls.out / "events.jsonl"
        lines = events.read_text().split("\n") if events.exists() else [""]
        cls.ends_with_newline = lines.pop() == ""
        cls.events = [json.loads(line) for line in lines]
        cls.frames = [event for event in cls.events if "detections" in event]
        cls.rules = [event for event in cls.events if event["schema"] == "fovea.zone/1"]

    def cameras(self):
        self.assertIsNotNone(self.summary, str(self.done))
        return self.summary["cameras"]

    @contextlib.contextmanager
    def unhindered(self):
        """What is asked within depends on how many pictures were analysed: a failure says nothing when others had the machine."""
        try:
            yield
        except AssertionError as failure:
            if self.others_cores <= 0.5:
                raise
            self.skipTest(f"other programs kept {self.others_cores:.1f} cores busy meanwhile: {failure}"[:300].replace("\n", " "))

    def test_ends_well(self):
        self.assertEqual(self.done.code, OK, str(self.done))
        self.assertEqual(self.sim_code, OK)

    def test_summary_has_its_names(self):
        self.assertEqual([c["name"] for c in self.cameras()], NAMES)
        self.assertEqual(self.summary["backend"], "cpu")
        self.assertAlmostEqual(self.summary["duration_s"], SECONDS, delta=2)
        self.assertGreater(self.summary["cpu_percent_of_one_core"], 0)
        for camera in self.cameras():
            for key in ("frames", "analysed", "detections", "persons", "lost_packets", "reconnects"):
                self.assertIsInstance(camera[key], int, key)
            self.assertGreater(camera["age_ms"]["p50"], 0)
            self.assertGreaterEqual(camera["age_ms"]["p99"], camera["age_ms"]["p50"])

    def test_both_codecs_play(self):
        self.assertEqual([c["codec"] for c in self.cameras()], ["h264", "h265", "h264", "h265"])
        self.assertEqual([c["state"] for c in self.cameras()], ["playing"] * 4)

    def test_frames_come_at_the_clips_rate(self):
        """Less the time to connect and to meet the first key picture (every 2 s)."""
        for camera in self.cameras():
            self.assertLessEqual(camera["frames"], (SECONDS + 3) * FPS, camera)
        for camera in self.cameras():
            with self.unhindered():
                self.assertGreaterEqual(camera["frames"], (SECONDS - 4) * FPS, camera)

    def test_nearly_all_frames_are_analysed(self):
        least = 0.9 if harness.PATIENCE <= 1 else 0.5
        for camera in self.cameras():
            self.assertLessEqual(camera["analysed"], camera["frames"])
        for camera in self.cameras():
            with self.unhindered():
                self.assertGreaterEqual(camera["analysed"], least * camera["frames"], camera)

    def test_nothing_is_lost(self):
        for camera in self.cameras():
            self.assertEqual((camera["lost_packets"], camera["reconnects"]), (0, 0), camera)

    def test_one_event_a_picture(self):
        self.assertTrue(self.ends_with_newline)
        by_camera = collections.Counter(event["camera"] for event in self.frames)
        self.assertEqual(by_camera, {c["name"]: c["analysed"] for c in self.cameras()})

    def test_events_keep_their_schema(self):
        """docs/events.md"""
        last = collections.Counter()
        for event in self.frames:
            self.assertEqual(event["schema"], "fovea.frame/1")
            self.assertEqual((event["width"], event["height"]), (768, 576))
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertGreater(event["age_ms"], 0)
            self.assertGreater(event["frame"], last[event["camera"]])
            last[event["camera"]] = event["frame"]
            for found in event["detections"]:
                self.check_detection(event, found)

    def check_detection(self, event, found):
        left, top, right, bottom = found["box"]
        self.assertTrue(0 <= left < right <= event["width"] and 0 <= top < bottom <= event["height"], found)
        for pixel, norm, side in zip(found["box"], found["box_norm"], [event["width"], event["height"]] * 2):
            self.assertAlmostEqual(pixel / side, norm, delta=0.001)
        self.assertTrue(0.25 <= found["score"] <= 1, found)

    def test_persons_are_found(self):
        self.assertGreater(len(self.frames), 0)
        with_person = [e for e in self.frames if any(d["class"] == "person" for d in e["detections"])]
        self.assertGreaterEqual(len(with_person), 0.9 * len(self.frames))

    def test_sums_agree_with_events(self):
        for camera in self.cameras():
            found = [d for e in self.frames if e["camera"] == camera["name"] for d in e["detections"]]
            self.assertEqual(camera["detections"], len(found))
            self.assertEqual(camera["persons"], sum(d["class"] == "person" for d in found))

    def test_tracks_are_numbered(self):
        """Nearly every person has a track, and a track lasts for many pictures."""
        for event in self.frames:
            numbers = [d["track"] for d in event["detections"] if "track" in d]
            self.assertEqual(len(numbers), len(set(numbers)), event)
        figures = []
        for camera in self.cameras():
            found = [d for e in self.frames if e["camera"] == camera["name"] for d in e["detections"]]
            numbers = collections.Counter(d["track"] for d in found if "track" in d)
            self.assertTrue(all(1 <= number <= camera["tracks"] for number in numbers))
            figures.append((len(found), sum(numbers.values()), max(numbers.values(), default=0)))
        for found, numbered, longest in figures:
            with self.unhindered():
                self.assertGreaterEqual(numbered, 0.8 * found)
                self.assertGreaterEqual(longest, 20)

    def test_every_line_has_a_known_schema(self):
        self.assertEqual(len(self.events), len(self.frames) + len(self.rules))
        self.assertEqual(self.summary["events_written"], len(self.events))

    def test_zones_and_lines_report(self):
        """docs/analytics.md"""
        for camera in self.cameras():
            events = [e for e in self.rules if e["camera"] == camera["name"]]
            self.assertEqual([e["id"] for e in events], list(range(1, len(events) + 1)))
            kinds = collections.Counter((e["type"], e["phase"]) for e in events)
            self.assertEqual(camera["rule_events"], len(events))
            self.assertEqual(camera["crossings"], kinds["line.crossing", "once"])
            self.assertEqual(camera["dwells"], kinds["zone.dwell", "start"])
            # The engine ended: so did all that lasted.
            self.assertEqual(kinds["zone.enter", "once"], kinds["zone.exit", "once"])
            self.assertEqual(kinds["zone.dwell", "start"], kinds["zone.dwell", "end"])
        for camera in self.cameras():
            with self.unhindered():
                self.assertGreater(camera["dwells"], 0, camera)  # whoever dwells has entered
        # Each camera sees other seconds of the clip: in some of them, and on a slow machine, nobody crosses the line.
        with self.unhindered():
            self.assertGreater(sum(camera["crossings"] for camera in self.cameras()), 0)

    def test_an_end_refers_to_its_start(self):
        begun = {(e["camera"], e["id"]): e for e in self.rules}
        for event in self.rules:
            self.assertIn(event["rule"], ("forecourt", "lamp post"))
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(event["class"], "person")
            if event["type"] == "line.crossing":
                self.assertIn(event["direction"], ("a_to_b", "b_to_a"))
            if event["type"] == "zone.dwell":
                self.assertGreaterEqual(event["duration_ms"], 2000)
            if event["phase"] == "end" or event["type"] == "zone.exit":
                start = begun[event["camera"], event["ref"]]
                self.assertEqual((start["track"], start["rule"]), (event["track"], event["rule"]))
                self.assertIn(event["cause"], ("moved", "lost", "stopped"))

    def test_one_annotated_picture_of_each_camera(self):
        for name in NAMES:
            pictures = [p for p in self.out.rglob("*.jpg") if name in str(p.relative_to(self.out))]
            self.assertTrue(pictures, f"no picture of {name}: {sorted(self.out.rglob('*'))}")
            data = pictures[0].read_bytes()
            self.assertEqual((data[:3], data[-2:]), (b"\xff\xd8\xff", b"\xff\xd9"))
            self.assertFalse(list(self.out.rglob("*.tmp")))


@needs_clip
@needs_model
class Settings(Case):
    def run_one(self, **sections):
        with Simulator(cameras=1) as sim:
            done, summary = self.run_engine(config({"gate": sim.url(0)}, self.folder / "out", **sections), 6)
        self.assertEqual(done.code, OK, str(done))
        return summary["cameras"][0]

    def test_analysis_interval(self):
        camera = self.run_one(processing={"ANALYSIS_FRAME_INTERVAL": 5})
        self.assertGreater(camera["frames"], 20)
        self.assertAlmostEqual(camera["analysed"], camera["frames"] / 5, delta=2)

    def test_target_classes(self):
        camera = self.run_one(models={"TARGET_CLASSES": ["zebra"]})
        self.assertGreater(camera["analysed"], 20)
        self.assertEqual((camera["detections"], camera["persons"]), (0, 0))
