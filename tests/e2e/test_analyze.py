# SPDX-License-Identifier: Apache-2.0
"""fovea analyze and fovea validate integrity, as users run them; the street scene against a count by hand."""

import collections
import json
import os
import signal
import struct
import subprocess
import time
import unittest

import harness
from harness import CLIPS, FAILED, MODEL, OK, USAGE, Case, Simulator, fovea, needs_clip, needs_model

# Upright line at 0.42 of the width, counted by hand on contact sheets of every sixth picture (every second or third one where
# people hide each other), before the program was run. From the left to the right, near picture 9, 93, 303, 322, 335, 339, 450, 585,
# 603, 667, 687, 731, 772 and 779; the other way near 69, 165, 186, 228, 267, 289, 302, 375, 501, 534, 537, 576, 653, 660, 696, 718,
# 760 and 780.
BY_HAND = {
    "a_to_b": [9, 93, 303, 322, 335, 339, 450, 585, 603, 667, 687, 731, 772, 779],
    "b_to_a": [69, 165, 186, 228, 267, 289, 302, 375, 501, 534, 537, 576, 653, 660, 696, 718, 760, 780],
}
# A man and a woman walk side by side, he before her, and the detector sees one box until both are over the line.
ONE_BOX = ("b_to_a", 534)
# Things that the detector takes for persons: a sign and a traffic cone. Pixels, centre of the box.
THINGS = [(25, 110, 60, 150), (160, 180, 185, 215)]


def street(folder, areas=None, **sections):
    made = harness.config({"street": "rtsp://localhost/"}, folder, models={"TARGET_CLASSES": ["person"]}, **sections)
    made["cameras"].update(areas or {})
    return made


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def tracks_of(path):
    """{track: [(picture, left, top, right, bottom), ...]} of MOTChallenge text."""
    tracks = collections.defaultdict(list)
    for line in path.read_text().splitlines():
        picture, track, left, top, width, height = (float(word) for word in line.split(",")[:6])
        tracks[int(track)].append((int(picture), left - 1, top - 1, left - 1 + width, top - 1 + height))
    return tracks


def is_thing(boxes):
    x, y = (sorted(box[i] + box[i + 2] for box in boxes)[len(boxes) // 2] / 2 for i in (1, 2))
    return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in THINGS)


@needs_clip
@needs_model
class Street(Case):
    """vtest.avi, every picture of it, once for all tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if harness.PATIENCE > 1:
            raise unittest.SkipTest("the whole clip takes too long with sanitizers")
        everywhere = [[0, 0], [1, 0], [1, 1], [0, 1]]
        made = street(cls.folder, {
            "LINES": [{"NAME": "path", "POINTS": [[0.42, 1.2], [0.42, 0.2]]}],
            "ZONES": [{"NAME": "still", "POINTS": everywhere, "STATIONARY_S": 5, "STATIONARY_RADIUS": 0.02},
                      {"NAME": "sign", "POINTS": [[0, 0.1], [0.1, 0.1], [0.1, 0.35], [0, 0.35]], "DWELL_S": 15}]})
        cls.events, cls.tracks = cls.folder / "street.jsonl", cls.folder / "street.txt"
        cls.done = fovea("analyze", "-c", cls.write("street.json", made), "--fps", 10, "--out", cls.events, "--mot", cls.tracks,
                         "--json", CLIPS[0], limit=200)

    def test_nothing_is_missing(self):
        self.assertEqual(self.done.code, OK, str(self.done))
        summary = json.loads(self.done.out)
        self.assertTrue(summary["complete"])
        for name, value in (("access_units", 795), ("frames", 795), ("analysed", 795), ("undecodable", 0), ("dropped", 0),
                            ("unwritten", 0), ("media_s", 79.4)):
            self.assertEqual(summary[name], value, name)
        frames = [e for e in lines_of(self.events) if e["schema"] == "fovea.frame/1"]
        self.assertEqual([e["frame"] for e in frames], list(range(1, 796)))
        self.assertEqual([e["pts_ms"] for e in frames], [100 * i for i in range(795)])
        self.assertEqual(frames[-1]["time"], "1970-01-01T00:01:19.400Z")

    def test_line_counts_agree_with_the_count_by_hand(self):
        found = collections.defaultdict(list)
        for event in lines_of(self.events):
            if event.get("type") == "line.crossing":
                found[event["direction"]].append(event["frame"] - 1 - event["delay_ms"] / 100)
        for direction, expected in BY_HAND.items():
            expected = [picture for picture in expected if (direction, picture) != ONE_BOX]
            self.assertEqual(len(found[direction]), len(expected), f"{direction}: {found[direction]}")
            for by_hand, by_program in zip(expected, sorted(found[direction])):
                self.assertLess(abs(by_hand - by_program), 6, f"{direction}: {found[direction]}")

    def test_tracks_are_as_many_as_people(self):
        """19 people are annotated in this sequence; some of them leave and come again."""
        long = [boxes for boxes in tracks_of(self.tracks).values() if boxes[-1][0] - boxes[0][0] > 20]
        people = [boxes for boxes in long if not is_thing(boxes)]
        self.assertGreaterEqual(len(people), 15)
        self.assertLessEqual(len(people), 30)

    def test_the_sign_can_be_suppressed(self):
        """It is there in nearly every picture, is found to be stationary, and does not dwell, unlike people who stand."""
        sign = [t for t, boxes in tracks_of(self.tracks).items() if is_thing(boxes) and len(boxes) > 600]
        self.assertEqual(len(sign), 1)
        events = [e for e in lines_of(self.events) if e["schema"] == "fovea.zone/1"]
        starts = [e for e in events if e["type"] == "stationary" and e["phase"] == "start" and e["track"] == sign[0]]
        self.assertEqual(len(starts), 1)
        self.assertLess(starts[0]["pts_ms"], 8000)
        self.assertEqual([e for e in events if e["type"] == "zone.dwell" and e["track"] == sign[0]], [])


@needs_clip
@needs_model
class Analyze(Case):
    """On the first 60 pictures of the clip."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clip = cls.folder / "short.h264"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", CLIPS[0], "-frames:v", "60", "-c", "copy", "-f", "h264",
                        cls.clip], check=True)
        zone = {"NAME": "square", "POINTS": [[0.3, 0.3], [1, 0.3], [1, 0.9], [0.3, 0.9]], "ENTER_EXIT": True, "DWELL_S": 2}
        cls.config = cls.write("config.json", street(cls.folder, {"ZONES": [zone]}))

    def analyze(self, *arguments, **options):
        return fovea("analyze", *arguments, **{"limit": 60, **options})

    def test_twice_the_same(self):
        written = []
        for run in ("a", "b"):
            events, tracks, pictures = (self.folder / f"{run}.{kind}" for kind in ("jsonl", "txt", "d"))
            done = self.analyze("-c", self.config, "--fps", 10, "--out", events, "--mot", tracks, "--draw", pictures,
                                "--draw-every", 20, "--start", "2026-01-31T12:00:00Z", self.clip)
            self.assertEqual(done.code, OK, str(done))
            self.assertIn("60 of 60 pictures analysed", done.out)
            drawn = sorted(pictures.iterdir())
            self.assertEqual([p.name for p in drawn], [f"street-{n:08}.jpg" for n in (1, 21, 41)])
            written.append([p.read_bytes() for p in (events, tracks, *drawn)])
        self.assertEqual(written[0], written[1])
        events = lines_of(self.folder / "a.jsonl")
        self.assertEqual(events[0]["capture_time"], "2026-01-31T12:00:00.000Z")
        self.assertTrue(any(e.get("type") == "zone.dwell" for e in events))
        self.assertEqual(events[-1]["cause"], "stopped")

    def test_the_sign_dwells_unless_it_is_stationary(self):
        """A sign that the detector takes for a person, for 6 s."""
        sign = {"NAME": "sign", "POINTS": [[0, 0.1], [0.1, 0.1], [0.1, 0.35], [0, 0.35]], "DWELL_S": 3}
        still = {"NAME": "still", "POINTS": [[0, 0], [1, 0], [1, 1], [0, 1]], "STATIONARY_S": 1, "STATIONARY_RADIUS": 0.02}
        for zones, dwells in (([sign], 2), ([sign, still], 0)):  # its start and its end
            config = self.write("sign.json", street(self.folder, {"ZONES": zones}))
            events = self.folder / "sign.jsonl"
            done = self.analyze("-c", config, "--fps", 10, "--out", events, self.clip)
            self.assertEqual(done.code, OK, str(done))
            self.assertEqual(sum(e.get("type") == "zone.dwell" for e in lines_of(events)), dwells)

    def test_integrity(self):
        done = fovea("validate", "integrity", "-c", self.config, "--fps", 10, "--json", self.clip, limit=90)
        self.assertEqual(done.code, OK, str(done))
        found = json.loads(done.out)
        self.assertTrue(found["same"])
        self.assertEqual(found["analysed"], 60)
        self.assertEqual(found["identical"], found["lines"])
        self.assertGreater(found["lines"], 60)

    def test_containers_and_b_pictures(self):
        """As many pictures as ffmpeg finds, in order, with the file's times; those that the decoder holds back at the end, too."""
        movie = self.folder / "b.mp4"
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-r", "10", "-i", self.clip, "-c:v", "libx264", "-bf", "3",
                        "-preset", "veryfast", movie], check=True)
        events = self.folder / "b.jsonl"
        done = self.analyze("--backend", "cpu", "--out", events, "--json", movie, env=self.environment())
        self.assertEqual(done.code, OK, str(done))
        self.assertEqual(json.loads(done.out)["analysed"], 60)
        frames = lines_of(events)
        self.assertEqual([e["camera"] for e in frames], ["b.mp4"] * 60)
        self.assertEqual([e["frame"] for e in frames], list(range(1, 61)))
        self.assertEqual([round(e["pts_ms"]) for e in frames], [100 * i for i in range(60)])

    def test_other_codecs(self):
        """JPEG, VP9 and AV1, in containers and without: every picture, with the file's times, and nearly the same boxes as in H.264."""
        boxes = {}
        for name, codec in (("a.mp4", "libx264 -crf 18 -preset veryfast"), ("a.webm", "libvpx-vp9 -deadline realtime -cpu-used 8 -crf 20 -b:v 0"),
                            ("b.mkv", "libaom-av1 -usage realtime -cpu-used 8 -crf 20"), ("b.ivf", "copy"), ("c.avi", "mjpeg -q:v 3 -pix_fmt yuvj422p"),
                            ("c.mjpeg", "copy")):
            movie, events = self.folder / name, self.folder / f"{name}.jsonl"
            source = {"b.ivf": self.folder / "b.mkv", "c.mjpeg": self.folder / "c.avi"}.get(name, self.clip)
            rate = ["-r", "10"] if source == self.clip else []
            subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *rate, "-i", source, "-frames:v", "12", "-c:v", *codec.split(), movie],
                           check=True)
            done = self.analyze("--backend", "cpu", "--out", events, "--json", *(["--fps", "10"] if name == "c.mjpeg" else []), movie,
                                env=self.environment())
            self.assertEqual(done.code, OK, str(done))
            frames = lines_of(events)
            self.assertEqual([round(e["pts_ms"]) for e in frames], [100 * i for i in range(12)], name)
            boxes[name] = sum(len(e["detections"]) for e in frames)
        self.assertGreater(boxes["a.mp4"], 24)
        for name, count in boxes.items():
            self.assertAlmostEqual(count, boxes["a.mp4"], delta=0.2 * boxes["a.mp4"], msg=name)

        images = (self.folder / "c.mjpeg").read_bytes().split(b"\xff\xd8\xff")  # 0: nothing, 1 to 12: the images without that
        images[5] = images[5][:3] + b"\xff" * 200  # a segment that leads nowhere
        broken = self.folder / "broken.mjpeg"
        broken.write_bytes(b"\xff\xd8\xff".join(images))
        done = self.analyze("--backend", "cpu", "--json", broken, env=self.environment())
        self.assertEqual(done.code, OK, str(done))
        summary = json.loads(done.out)
        self.assertEqual([summary[name] for name in ("complete", "frames", "undecodable")], [True, 11, 1], str(done))

    @staticmethod
    def environment():
        return {**os.environ, "FOVEA_MODEL_PATH": str(MODEL)}

    def test_interval(self):
        config = self.write("third.json", street(self.folder, processing={"ANALYSIS_FRAME_INTERVAL": 7}))
        done = self.analyze("-c", config, "--json", self.clip)
        summary = json.loads(done.out)
        self.assertEqual((summary["frames"], summary["analysed"]), (60, 9), str(done))

    def test_interrupted(self):
        """Ctrl-C: what was analysed is written, whole lines only."""
        events = self.folder / "cut.jsonl"
        process = harness.start("analyze", "-c", self.config, "--out", events, CLIPS[0])
        end = time.monotonic() + 30
        while time.monotonic() < end and (not events.exists() or events.stat().st_size < 5000):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        done = harness.finish(process, 20)
        self.assertEqual(done.code, OK, str(done))
        self.assertIn("not to its end", done.out)
        self.assertGreater(len(lines_of(events)), 3)

    def test_an_address(self):
        events = self.folder / "live.jsonl"
        with Simulator(cameras=1) as simulator:
            done = self.analyze("-c", self.config, "--out", events, "--duration", 4, "--json", simulator.url(0))
        self.assertEqual(done.code, OK, str(done))
        summary = json.loads(done.out)
        self.assertGreater(summary["analysed"], 3)
        self.assertGreater(summary["persons"], 3)
        self.assertEqual({e["camera"] for e in lines_of(events)}, {"street"})

    def test_configuration_without_a_camera(self):
        """The engine-wide settings, zones and lines are the file's."""
        made = street(self.folder, {"LINES": [{"NAME": "door", "POINTS": [[0.5, 0], [0.5, 1]]}]})
        del made["cameras"]["RTSP_STREAMS"]
        events = self.folder / "none.jsonl"
        done = self.analyze("-c", self.write("none.json", made), "--fps", 10, "--out", events, "--json", self.clip)
        self.assertEqual(done.code, OK, str(done))
        self.assertEqual(json.loads(done.out)["analysed"], 60)
        self.assertEqual({e["camera"] for e in lines_of(events)}, {self.clip.name})

    def test_refused(self):
        nothing = self.write("nothing.h264", "")
        words = self.write("words.h264", "no video at all\n" * 10)
        other = self.write("other.ivf", "DKIF\0\0\x20\0VP80" + "\1\0\0\0" * 5)
        for arguments, code, *needles in (
                ([], USAGE, "file or an address"),
                ([self.clip, self.clip], USAGE, "unexpected"),
                (["--fps", "fast", self.clip], USAGE, "--fps"),
                (["--start", "noon", self.clip], USAGE, "--start"),
                (["--backend", "tpu", self.clip], USAGE, "tpu"),
                (["--camera", "gate", self.clip], USAGE, "configuration"),
                (["-c", self.config, "--camera", "gate", self.clip], FAILED, "no camera 'gate'"),
                (["-c", self.config, "/nowhere/x.h264"], USAGE, "/nowhere/x.h264"),
                (["-c", self.config, nothing], USAGE, "empty"),
                (["-c", self.config, words], USAGE, "words.h264"),
                (["-c", self.config, other], USAGE, "other.ivf: the IVF file holds 'VP80', only VP9 and AV1"),
                (["-c", self.config, "--draw-every", 1.5, self.clip], USAGE, "whole number"),
                (["-c", self.config, "--out", "/nowhere/e.jsonl", self.clip], USAGE, "/nowhere/e.jsonl"),
                (["-c", self.config, "--mot", "/nowhere/t.txt", self.clip], USAGE, "/nowhere/t.txt"),
                (["-c", "/nowhere/c.json", self.clip], USAGE, "/nowhere/c.json")):
            with self.subTest(arguments=[str(a) for a in arguments]):
                self.assert_refused(self.analyze(*arguments), code, *needles)
        self.assert_refused(fovea("validate", "integrity"), USAGE, "one file")
        self.assert_refused(fovea("validate", "integrity", "rtsp://h/s"), USAGE, "camera")
        self.assert_refused(fovea("validate", "integrity", "-c", self.config, "/nowhere/x.h264"), USAGE, "/nowhere/x.h264")

    def test_no_picture(self):
        """A header and nothing behind it is no success."""
        path = self.folder / "hollow.ivf"
        path.write_bytes(b"DKIF\0\0\x20\0VP90" + struct.pack("<HHIIII", 64, 48, 10, 1, 0, 0))
        done = self.analyze("--backend", "cpu", path, env=self.environment())
        self.assertEqual(done.code, FAILED, str(done))
        self.assertIn("no picture in the file", done.err)

    def test_disk_full(self):
        for option in ("--out", "--mot"):
            done = self.analyze("-c", self.config, option, "/dev/full", self.clip)
            self.assert_refused(done, FAILED, "could not be written")
