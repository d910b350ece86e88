# SPDX-License-Identifier: Apache-2.0
"""Every row of the table of settings (docs/config.md, which is generated from it) has a test of its effect.

A row that is "in force" names what shows its effect: a test of this file, which runs the program, or a test of the stage that the
value reaches. A row without an effect must say so: here each is set, and the finding is looked for. A row that is in no list
fails the test.
"""

import json
import pathlib
import re
import time
import unittest

import harness
from harness import CLIPS, MODEL, OK, ROOT, Case, Simulator, config, finish, fovea, needs_clip, needs_model, start
from test_config import LISTS, environment

# Row: the tests that show its effect, "file: name". A name without a file is one of this file.
EFFECTS = {
    "processing.BACKEND": ["tests/e2e/test_bad_input.py: test_default_config_names_what_is_missing"],
    "processing.NVDEC_BUFFER_SIZE": ["src/prep/batch_test.c: test_newest_wins", "test_buffers"],
    "processing.ENABLE_PROCESSING": ["test_receive_only"],
    "processing.ENABLE_PROFILING": ["src/engine/profile_test.c: test_off_and_unknown", "test_profiling"],
    "processing.PROFILING_SAMPLING_RATE": ["src/engine/profile_test.c: test_sampling", "test_profiling"],
    "processing.GPU_BATCH_SIZE": ["test_batch"],
    "processing.MAX_QUEUE_SIZE": ["src/decode/worker_test.c: test_overflow"],
    "processing.PIPELINE_QUEUE_TIMEOUT_MS": ["src/prep/batch_test.c: test_timeout_counts_from_the_oldest", "test_batch"],
    "processing.ANALYSIS_FRAME_INTERVAL": ["tests/e2e/test_pipeline.py: test_analysis_interval"],
    "processing.FRAME_SKIP": ["test_thinning"],
    "processing.TARGET_FPS": ["src/decode/thin_test.c: test_faster_is_thinned", "test_thinning"],
    "processing.USE_THREAD_AFFINITY": ["src/engine/threads_test.c: test_pinned", "test_threads"],
    "processing.THREAD_PRIORITY": ["src/engine/threads_test.c: test_raised", "test_threads"],
    "processing.DECODER_THREAD_PRIORITY": ["src/engine/threads_test.c: test_refused", "test_threads"],
    "processing.GPU_MEMORY_POOL_SIZE_MB": ["src/gpu/gpu_test.c: test_pool_does_not_fit"],
    "processing.ENABLE_MEMORY_POOLING": ["src/gpu/gpu_test.c: test_memory"],
    "processing.ON_PIXEL_COPY": ["tests/pipeline/failure_test.c: test_copy"],
    "processing.ON_GPU_LOSS": ["tests/pipeline/failure_test.c: test_loss", "tests/e2e/test_gpu.py: test_loss_has_its_exit_code"],
    "models.MODEL_PATH": ["tests/e2e/test_bad_input.py: test_no_model"],
    "models.MODEL_CONFIDENCE_THRESHOLD": ["tests/pipeline/reload_test.c: test_thresholds", "test_thresholds"],
    "models.MODEL_IOU_THRESHOLD": ["test_thresholds"],
    "models.TARGET_CLASSES": ["tests/e2e/test_pipeline.py: test_target_classes"],
    "models.TENSORRT_MAX_BATCH_SIZE": ["test_batch_limit"],
    "models.INFERENCE_PROVIDER": ["tests/e2e/test_config.py: test_a_file_per_rule", "src/infer/runtime_test.c: test_table"],
    "models.DEVICE": ["tests/e2e/test_config.py: test_a_file_per_rule"],
    "classifier.MODEL_PATH": ["tests/e2e/test_classifier.py: test_right_labels"],
    "classifier.CLASSES": ["tests/e2e/test_classifier.py: test_choices"],
    "classifier.INTERVAL_S": ["src/engine/classify_test.c: test_interval", "tests/e2e/test_classifier.py: test_choices"],
    "classifier.MIN_SIZE": ["src/engine/classify_test.c: test_choice", "tests/e2e/test_classifier.py: test_choices"],
    "classifier.CONFIDENCE_THRESHOLD": ["tests/e2e/test_classifier.py: test_choices"],
    "classifier.BATCH_SIZE": ["src/engine/classify_test.c: test_crops_are_limited"],
    "models.CLASS_NAMES": ["src/engine/setup_test.c: test_class_names", "test_class_names"],
    "models.OPTIMIZE_FOR_INFERENCE": ["src/infer/ort_cuda_test.c: test_options"],
    "models.WARM_UP_ITERATIONS": ["test_warm_up"],
    "models.TENSORRT_FP16": ["src/engine/setup_test.c: test_half_precision", "src/infer/ort_engine_test.c: test_what_matters"],
    "models.TENSORRT_WORKSPACE_SIZE": ["src/engine/setup_test.c: test_runtime_params", "src/infer/ort_engine_test.c: test_options"],
    "models.DETECTION_ENGINE_PATH": ["src/engine/setup_test.c: test_runtime_params", "src/infer/ort_engine_test.c: test_options"],
    "cameras.RTSP_STREAMS": ["tests/e2e/test_pipeline.py: test_both_codecs_play"],
    "cameras.name": ["tests/e2e/test_pipeline.py: test_one_event_a_picture"],
    "cameras.url": ["tests/e2e/test_cameras.py: test_not_found"],
    "cameras.enabled": ["test_disabled"],
    "cameras.TRANSPORT": ["src/ingest/way_test.c: test_changes_transport"],
    "cameras.USERNAME": ["test_password"],
    "cameras.PASSWORD_FILE": ["test_password"],
    "cameras.PASSWORD_ENV": ["test_password"],
    "cameras.TLS_VERIFY": ["src/ingest/way_test.c: test_tls"],
    "cameras.TLS_CA_FILE": ["src/ingest/way_test.c: test_tls"],
    "cameras.RESOLVE_TIMEOUT_S": ["src/ingest/sick_test.c: test_name_service_never_answered"],
    "cameras.CONNECT_TIMEOUT_S": ["src/ingest/sick_test.c: test_black_hole"],
    "cameras.REQUEST_TIMEOUT_S": ["test_deadlines"],
    "cameras.FIRST_PACKET_TIMEOUT_S": ["test_deadlines"],
    "cameras.FIRST_KEYFRAME_TIMEOUT_S": ["src/ingest/sick_test.c: test_sick_in_each_phase"],
    "cameras.STALL_TIMEOUT_S": ["test_deadlines"],
    "cameras.REORDER_MS": ["src/rtp/order_test.c: test_reorder_deadline"],
    "cameras.ON_LOSS": ["src/rtp/loss_test.c: test_scripts"],
    "cameras.BACKOFF_STRATEGY": ["src/loop/backoff_test.c: test_breaker"],
    "cameras.BACKOFF_INITIAL_S": ["src/loop/backoff_test.c: test_exponential", "test_backoff"],
    "cameras.BACKOFF_MAX_S": ["src/loop/backoff_test.c: test_exponential", "test_backoff"],
    "cameras.BACKOFF_FACTOR": ["src/loop/backoff_test.c: test_exponential"],
    "cameras.BACKOFF_JITTER": ["src/loop/backoff_test.c: test_jitter"],
    "cameras.BACKOFF_STABLE_AFTER": ["src/loop/backoff_test.c: test_adaptive_needs_a_row"],
    "cameras.BREAKER_FAILURES": ["src/loop/backoff_test.c: test_breaker"],
    "cameras.BREAKER_OPEN_S": ["src/loop/backoff_test.c: test_breaker"],
    "cameras.BREAKER_PROBES": ["src/loop/backoff_test.c: test_breaker_counts_probes_anew"],
    "cameras.DECODE_MODE": ["src/decode/worker_test.c: test_keys_only", "test_key_pictures_only"],
    "cameras.ZONES": ["tests/e2e/test_pipeline.py: test_zones_and_lines_report"],
    "cameras.LINES": ["tests/e2e/test_pipeline.py: test_zones_and_lines_report"],
    "cameras.GATHER_MS": ["test_gathering"],
    "cameras.CONNECT_RATE_PER_S": ["src/ingest/pace_test.c: test_rate"],
    "cameras.CONNECTS_PER_HOST": ["src/ingest/pace_test.c: test_per_host"],
    "tracking.ENABLE_TRACKING": ["src/engine/analysis_test.c: test_no_tracking"],
    "tracking.TRACK_THRESH": ["src/track/tracker_test.c: test_low_scores"],
    "tracking.TRACK_LOW_THRESH": ["src/engine/analysis_test.c: test_weak_boxes_hold_a_track"],
    "tracking.TRACK_BUFFER": ["src/engine/analysis_test.c: test_reload_changes_tracking"],
    "tracking.MATCH_THRESH": ["src/engine/analysis_test.c: test_match_threshold"],
    "visualization.SHOW_TRACK_IDS": ["test_pictures"],
    "tracking.INACTIVE_THRESHOLD_SECONDS": ["src/sink/overlay_test.c: test_trails"],
    "tracking.TRACE_PERSISTENCE_SECONDS": ["src/sink/overlay_test.c: test_trails"],
    "visualization.SHOW_DETECTIONS": ["src/sink/overlay_test.c: test_boxes"],
    "visualization.SHOW_TRACKING": ["src/sink/overlay_test.c: test_boxes"],
    "visualization.SHOW_TRAILS": ["src/sink/overlay_test.c: test_trails"],
    "visualization.SHOW_FPS": ["src/sink/overlay_test.c: test_rate"],
    "visualization.SHOW_LABELS": ["src/sink/overlay_test.c: test_labels"],
    "visualization.SHOW_CONFIDENCE": ["src/sink/overlay_test.c: test_labels"],
    "visualization.BOX_THICKNESS": ["src/sink/overlay_test.c: test_boxes"],
    "visualization.TEXT_SCALE": ["src/sink/overlay_test.c: test_labels"],
    "visualization.TEXT_THICKNESS": ["src/sink/overlay_test.c: test_labels"],
    "visualization.TRACE_LENGTH": ["src/sink/overlay_test.c: test_trails"],
    "visualization.TRAIL_LENGTH": ["src/sink/overlay_test.c: test_trails"],
    "output.EVENTS_MAX_MB": ["src/sink/rotate_test.c: test_by_size"],
    "output.EVENTS_MAX_HOURS": ["src/sink/rotate_test.c: test_by_age"],
    "output.EVENTS_KEEP": ["src/sink/rotate_test.c: test_by_size"],
    "output.OUTPUT_DIR": ["test_pictures"],
    "output.SAVE_FRAMES": ["test_pictures"],
    "output.SAVE_DETECTIONS": ["test_pictures"],
    "output.FRAME_SAVE_INTERVAL": ["test_pictures"],
    "output.JPEG_QUALITY": ["test_pictures"],
    "app.APP_NAME": ["test_log"],
    "app.LOG_LEVEL": ["test_log"],
    "app.LOG_FILE": ["test_log"],
}

# Rows that say "checked" and are no rule of GPU-only operation: what shows that.
CHECKED = {
    "processing.GPU_PREPROCESSING_DEVICE": ('"cuda:1"', "gpu_only_conflict"),
    "processing.ENABLE_PIPELINE_VALIDATION": ("false", "not_needed"),
    "processing.AUTO_FRAME_SKIP": ("false", "not_needed"),
    "models.ENABLE_DYNAMIC_SHAPES": ("true", "not_needed"),
    "app.DEBUG": ["test_debug"],
    "app.ENABLE_DEBUG_LOGGING": ["test_debug"],
}

# A value for rows whose type says too little.
VALUES = {
    "cameras.VIDEO_FILES": '["a.mp4"]',
    "processing.DEEPSTREAM_*": "1",
    "visualization.NVENC_*": "1",
}


def rows():
    """(section, name, effect, default, type) of each row."""
    section, found = None, []
    for line in (ROOT / "docs/config.md").read_text().split("\n"):
        if line.startswith("## "):
            section = line[3:].strip()
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if section and re.fullmatch(r"`[\w*]+`", cells[1] if len(cells) > 5 else ""):
            found.append((section, cells[1].strip("`"), cells[4].split(",")[0], cells[3], cells[2]))
    return found


def other_value(kind, default):
    """JSON text of a value of this type that is not the default."""
    if kind.startswith("true or false"):
        return "false" if default.startswith("true") else "true"
    number = re.search(r"(?:from|above) ([\d.-]+)", kind)
    if number:
        low = float(number[1])
        for value in (low + 1, low + 2, low + 3):
            if not default.startswith(f"{value:g}"):
                return f"{value:g}"
    return '"x"' if kind.startswith(("a string", "any")) or not kind else "1"


class Table(Case):
    def test_no_row_without_a_test(self):
        missing = [f"{section}.{name}" for section, name, effect, *_ in rows()
                   if effect == "in force" and f"{section}.{name}" not in EFFECTS]
        self.assertEqual(missing, [], "rows of the table that no test looks at")
        known = {f"{section}.{name}" for section, name, *_ in rows()}
        self.assertGreater(len(known), 120)
        self.assertEqual([key for key in [*EFFECTS, *CHECKED] if key not in known], [])

    def test_tests_that_are_named_exist(self):
        for key, tests in [*EFFECTS.items(), *((k, v) for k, v in CHECKED.items() if isinstance(v, list))]:
            for test in tests:
                file, _, name = test.rpartition(": ")
                text = (ROOT / file if file else pathlib.Path(__file__)).read_text()
                self.assertTrue(re.search(rf"\b{name}\(", text), f"{key}: {test}")

    def test_rows_without_effect_say_so(self):
        """One file with all of them: each is found, under the code that goes with what the table says."""
        codes = {"no effect": "no_effect_yet", "not needed": "not_needed", "obsolete": "obsolete"}
        sections, wanted = {"cameras": {"RTSP_STREAMS": [{"name": "a", "url": "rtsp://h/s"}]}}, {}
        for section, name, effect, default, kind in rows():
            if effect not in codes:
                continue
            key = f"{section}.{name}"
            value = json.loads(VALUES.get(key) or self.value_that_differs(name, kind, default))
            place = sections["cameras"]["RTSP_STREAMS"][0] if name in ("width", "height") else sections.setdefault(section, {})
            place[name.replace("*", "X")] = value
            where = f"cameras.RTSP_STREAMS[0].{name}" if name in ("width", "height") else key.replace("*", "X")
            wanted[where] = codes[effect]
        found = self.check(sections)
        self.assertEqual({k: code for k, code in wanted.items() if code not in found.get(k, ())}, {})

    @staticmethod
    def value_that_differs(name, kind, default):
        # What happens anyway needs no warning: the value must be another one.
        happens = {"true": "false", "false": "true"}
        if name in ("MEMORY_MONITORING_ENABLED", "PERFORMANCE_ALERTS_ENABLED", "ENABLE_SERVER", "SHOW_TRACKING", "SHOW_TRAILS",
                    "SHOW_FPS", "ENABLE_PROFILING"):
            return "true"
        return happens.get(default) or other_value(kind, default)

    def test_checked_rows(self):
        """A value that contradicts what holds anyway is found."""
        for section, name, effect, default, kind in rows():
            if effect != "checked" or isinstance(CHECKED.get(f"{section}.{name}"), list):
                continue
            value, code = CHECKED.get(f"{section}.{name}", ("false" if default == "true" else "true", "gpu_only_conflict"))
            with self.subTest(f"{section}.{name}"):
                made = {"cameras": {"RTSP_STREAMS": [{"name": "a", "url": "rtsp://h/s"}]}, section: {name: json.loads(value)}}
                self.assertIn(code, self.check(made).get(f"{section}.{name}", ()))

    def check(self, made):
        done = fovea("config", "check", "--json", self.write("check.json", made), env=environment())
        told = json.loads(done.out)
        found = {}
        for part in LISTS:
            for finding in told[part]:
                found.setdefault(finding["key"], set()).add(finding["code"])
        return found


ONCE = unittest.skipIf(harness.PATIENCE > 1, "what a setting does was shown by the plain build")


@ONCE
@needs_clip
@needs_model
class Effects(Case):
    """Short runs on the simulator; each shows several settings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sim = Simulator(cameras=2)
        cls.sim.__enter__()
        cls.addClassCleanup(cls.sim.__exit__)

    def play(self, seconds=4, cameras=1, env=None, **sections):
        out = self.folder / self.id().rpartition(".")[2]
        made = config({f"camera-{i}": self.sim.url(i) for i in range(cameras)}, out, **sections)
        summary = self.folder / "summary.json"
        summary.unlink(missing_ok=True)
        done = fovea("run", "-c", self.write("config.json", made), "--quiet", "--duration", seconds * harness.PATIENCE,
                     "--summary", summary, env={**environment(), **(env or {})}, limit=seconds + 30)
        self.assertEqual(done.code, OK, str(done))
        return json.loads(summary.read_text()), out, done

    def test_thinning(self):
        told, _, _ = self.play(processing={"FRAME_SKIP": 4})
        camera = told["cameras"][0]
        self.assertGreater(camera["frames"], 5)
        self.assertLessEqual(camera["analysed"], camera["frames"] / 5 + 1)
        told, _, _ = self.play(seconds=5, processing={"TARGET_FPS": 2})
        self.assertLessEqual(told["cameras"][0]["analysed"], 2 * 5 * harness.PATIENCE + 3)

    def test_receive_only(self):
        told, _, _ = self.play(processing={"ENABLE_PROCESSING": False})
        camera = told["cameras"][0]
        self.assertEqual((camera["state"], camera["codec"], camera["width"]), ("playing", "h264", 768))
        self.assertEqual((camera["frames"], camera["analysed"], camera["dropped_queue"]), (0, 0, 0))

    def test_profiling(self):
        told, _, _ = self.play(processing={"ENABLE_PROFILING": True, "PROFILING_SAMPLING_RATE": 5})
        analysed = told["cameras"][0]["analysed"]
        self.assertEqual(list(told["stages_ms"]), ["receive", "decode", "infer", "result"])
        for stage in told["stages_ms"].values():
            self.assertEqual(stage["pictures"], (analysed + 4) // 5)
            self.assertLessEqual(stage["p50"], stage["p99"] * 1.05 + 0.1)
        self.assertGreater(told["stages_ms"]["infer"]["p50"], 0)
        told, _, _ = self.play(seconds=1)
        self.assertNotIn("stages_ms", told)

    def test_without_effect_it_starts_all_the_same(self):
        """What this version does not have is a warning: every such setting is set, the warnings say so, and the camera plays."""
        sections = {}
        for section, name, effect, default, kind in rows():
            if effect == "no effect":
                value = VALUES.get(f"{section}.{name}") or Table.value_that_differs(name, kind, default)
                sections.setdefault(section, {})[name.replace("*", "X")] = json.loads(value)
        variables = {f"FOVEA_CAMERAS__{name}": json.dumps(value) for name, value in sections.pop("cameras").items()}
        told, _, done = self.play(env=variables, **sections)
        self.assertGreater(told["cameras"][0]["analysed"], 0)
        for name in ("SAVE_VIDEO", "ENABLE_SERVER", "POSE_MODEL_PATH", "NVENC_X", "USE_WEBCAM"):
            self.assertRegex(done.err, rf"{name} is accepted, but has no effect: this version has no ")

    def test_class_names(self):
        names = json.loads(MODEL.with_suffix(".json").read_text())["labels"]
        others = [f"<{name}>" for name in names]
        told, out, done = self.play(models={"CLASS_NAMES": others, "TARGET_CLASSES": ["<person>"]})
        found = [d["class"] for line in (out / "events.jsonl").read_text().splitlines() for d in json.loads(line).get("detections", [])]
        self.assertEqual(set(found), {"<person>"})
        self.assertEqual(told["cameras"][0]["persons"], len(found))
        self.assertIn("CLASS_NAMES", done.err)
        made = config({"a": self.sim.url(0)}, out, models={"CLASS_NAMES": ["person"]})
        done = fovea("config", "check", "--machine", self.write("config.json", made), env=environment())
        self.assertEqual(done.code, OK)
        self.assertRegex(done.out, r"models.CLASS_NAMES \[class_names\](?s:.*)ames: 1, classes of the model: 80")

    def test_key_pictures_only(self):
        told, _, _ = self.play(seconds=6)
        every = told["cameras"][0]["frames"]
        out = self.folder / "keys"
        made = config({"a": self.sim.url(0)}, out, cameras={"DECODE_MODE": "key"})
        done, told = self.run_engine(made, 6 * harness.PATIENCE)
        self.assertEqual(done.code, OK, str(done))
        self.assertGreaterEqual(told["cameras"][0]["frames"], 1)
        self.assertLess(told["cameras"][0]["frames"], every / 3)

    def test_disabled(self):
        made = config({"a": self.sim.url(0)}, self.folder / "disabled")
        made["cameras"]["RTSP_STREAMS"].append({"name": "b", "url": self.sim.url(1), "enabled": False})
        done, told = self.run_engine(made, 2 * harness.PATIENCE)
        self.assertEqual([camera["name"] for camera in told["cameras"]], ["a"], str(done))

    def test_log(self):
        file = self.folder / "fovea.log"
        told, _, done = self.play(seconds=2, app={"APP_NAME": "north gate", "LOG_LEVEL": "info", "LOG_FILE": str(file)})
        self.assertEqual(told["name"], "north gate")
        self.assertIn("info engine: north gate starts with 1 cameras", file.read_text())
        self.assertNotIn("north gate starts", done.err)
        file.unlink()
        self.play(seconds=1, app={"LOG_LEVEL": "error", "LOG_FILE": str(file)})
        self.assertEqual(file.read_text(), "")

    def test_debug(self):
        for app in ({"DEBUG": True}, {"ENABLE_DEBUG_LOGGING": True}):
            _, _, done = self.play(seconds=1, app=app)
            self.assertRegex(done.err, r" debug \w+: ")

    def test_pictures(self):
        drawn = {}
        for quality, ids in ((10, True), (95, True), (95, False)):
            _, out, _ = self.play(output={"OUTPUT_DIR": str(self.folder / f"p{quality}{ids}"), "SAVE_FRAMES": True,
                                          "FRAME_SAVE_INTERVAL": 5, "JPEG_QUALITY": quality},
                                  visualization={"SHOW_TRACK_IDS": ids})
            folder = self.folder / f"p{quality}{ids}"
            self.assertTrue((folder / "events.jsonl").exists())
            files = sorted((folder / "snapshots").glob("*.jpg"))
            events = [json.loads(line) for line in (folder / "events.jsonl").read_text().split("\n") if line]
            frames = sum("detections" in event for event in events)
            self.assertGreater(frames, 5)
            self.assertLessEqual(abs(len(files) - frames / 5), 2)
            drawn[quality, ids] = sum(f.stat().st_size for f in files) / len(files)
        self.assertLess(drawn[10, True], drawn[95, True] / 2)
        _, out, _ = self.play(seconds=2, output={"OUTPUT_DIR": str(self.folder / "none"), "SAVE_DETECTIONS": False})
        self.assertFalse((self.folder / "none").exists())

    def test_thresholds(self):
        """Of what is published: scores from the threshold up; with IoU 1 every box stays beside its neighbours."""
        counts = {}
        for confidence, iou in ((0.25, 0.45), (0.6, 0.45), (0.25, 1)):
            told, out, _ = self.play(models={"MODEL_CONFIDENCE_THRESHOLD": confidence, "MODEL_IOU_THRESHOLD": iou},
                                     tracking={"ENABLE_TRACKING": False},
                                     output={"OUTPUT_DIR": str(self.folder / f"t{confidence}{iou}")})
            events = [json.loads(line) for line in (self.folder / f"t{confidence}{iou}" / "events.jsonl").read_text().split("\n") if line]
            scores = [d["score"] for event in events for d in event.get("detections", [])]
            self.assertGreaterEqual(min(scores), confidence - 1e-6)
            counts[confidence, iou] = len(scores) / told["cameras"][0]["analysed"]
        self.assertLess(counts[0.6, 0.45], counts[0.25, 0.45])
        self.assertGreater(counts[0.25, 1], 1.5 * counts[0.25, 0.45])

    def test_threads(self):
        out = self.folder / "threads"
        made = config({"a": self.sim.url(0)}, out, processing={"USE_THREAD_AFFINITY": True, "THREAD_PRIORITY": "HIGH",
                                                               "DECODER_THREAD_PRIORITY": "REALTIME"})
        process = start("run", "-c", self.write("config.json", made), "--quiet", "--duration", 6 * harness.PATIENCE)
        time.sleep(4 * harness.PATIENCE)
        threads = {}
        for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
            stat = (task / "stat").read_text().rpartition(")")[2].split()
            cores = re.search(r"Cpus_allowed_list:\s*(\S+)", (task / "status").read_text())[1]
            threads[(task / "comm").read_text().strip()] = int(stat[16]), int(stat[38]), cores
        done = finish(process, 30)
        for name in ("fv-ingest", "fv-decode", "fv-infer", "fv-result"):
            self.assertRegex(threads[name][2], r"^\d+$", f"{name} is on cores {threads[name][2]}")
        for name in ("fv-ingest", "fv-infer", "fv-result"):
            refused = 'THREAD_PRIORITY "HIGH" is not permitted' in done.err
            self.assertEqual(threads[name][0], 0 if refused else -10, f"{name}: {done.err}")
        refused = 'DECODER_THREAD_PRIORITY "REALTIME" is not permitted' in done.err
        self.assertEqual(threads["fv-decode"][1], 0 if refused else 2, done.err)

    def test_batch(self):
        """Two cameras of 10 pictures/s: a batch of 1 is never larger; one of 2 fills when it may wait long."""
        for size, wait, least, most in ((1, 5, 1, 1), (2, 1000, 1.5, 2)):
            made = config({f"c{i}": self.sim.url(i) for i in range(2)}, self.folder / "batch",
                          processing={"GPU_BATCH_SIZE": size, "PIPELINE_QUEUE_TIMEOUT_MS": wait})
            done = fovea("run", "-c", self.write("config.json", made), "--duration", 4 * harness.PATIENCE, limit=40)
            batch = float(re.findall(r"([\d.]+) per batch", done.out)[-1])
            self.assertTrue(least <= batch <= most, f"{batch} per batch with GPU_BATCH_SIZE {size}")

    def test_batch_limit(self):
        made = config({f"c{i}": self.sim.url(i) for i in range(2)}, self.folder / "limit",
                      processing={"GPU_BATCH_SIZE": "auto", "PIPELINE_QUEUE_TIMEOUT_MS": 1000}, models={"TENSORRT_MAX_BATCH_SIZE": 1})
        done = fovea("run", "-c", self.write("config.json", made), "--duration", 4 * harness.PATIENCE, limit=40)
        self.assertEqual(float(re.findall(r"([\d.]+) per batch", done.out)[-1]), 1, done.out)

    def test_buffers(self):
        """With one place for a waiting picture and slow batches most pictures are dropped, and counted."""
        told, _, _ = self.play(processing={"NVDEC_BUFFER_SIZE": 1, "GPU_BATCH_SIZE": 4, "PIPELINE_QUEUE_TIMEOUT_MS": 1000})
        camera = told["cameras"][0]
        self.assertGreater(camera["dropped_queue"], camera["frames"] / 3)

    def test_warm_up(self):
        """A start with many warm-up runs takes longer than one without any."""
        times = []
        for runs in (0, 20):
            made = config({"a": "rtsp://127.0.0.1:9/x"}, self.folder / "warm", models={"WARM_UP_ITERATIONS": runs})
            done = fovea("run", "-c", self.write("config.json", made), "--quiet", "--duration", 0.2, limit=60)
            self.assertEqual(done.code, OK, str(done))
            times.append(done.seconds)
        self.assertGreater(times[1], times[0] + 0.1)


@ONCE
class Connections(Case):
    """What needs no model: `fovea run` would load one, so these go by the log of the states."""

    def states(self, seconds, camera, talk=None, **common):
        made = config({"a": camera}, self.folder / "out", cameras=common, app={"LOG_LEVEL": "info"})
        done = fovea("run", "-c", self.write("config.json", made), "--quiet", "--duration", seconds * harness.PATIENCE, limit=40)
        self.assertEqual(done.code, OK, str(done))
        return done.err

    @needs_model
    def test_deadlines(self):
        with harness.FakeCamera(harness.talk_silence) as fake:
            self.assertRegex(self.states(2, fake.url, REQUEST_TIMEOUT_S=0.5), r"negotiating -> \w+: .*(0\.5 s|500 ms|in time|answer)")
        with harness.FakeCamera(harness.talk_rtsp(harness.SDP_H264)) as fake:
            said = self.states(3, fake.url, FIRST_PACKET_TIMEOUT_S=0.5, TRANSPORT="tcp")
            self.assertRegex(said, r"buffering -> \w+: ")
        with Simulator(cameras=1, inputs=CLIPS[:1]) as sim:
            made = config({"a": sim.url(0)}, self.folder / "out", cameras={"STALL_TIMEOUT_S": 0.5}, app={"LOG_LEVEL": "info"})
            process = start("run", "-c", self.write("config.json", made), "--quiet", "--duration", 8 * harness.PATIENCE)
            time.sleep(4 * harness.PATIENCE)
            sim.process.send_signal(19)  # SIGSTOP
            time.sleep(2 * harness.PATIENCE)
            sim.process.send_signal(18)  # SIGCONT
            self.assertRegex(finish(process, 30).err, r"playing -> \w+: .*no (packet|picture) for 0.5 s")

    @needs_model
    def test_backoff(self):
        url = f"rtsp://127.0.0.1:{harness.free_port()}/x"
        fast = self.states(3, url, BACKOFF_INITIAL_S=0.1, BACKOFF_MAX_S=0.1, BACKOFF_JITTER=0).count("-> connecting")
        slow = self.states(3, url, BACKOFF_INITIAL_S=2, BACKOFF_JITTER=0).count("-> connecting")
        self.assertGreater(fast, 2 * slow + 2)

    @needs_clip
    @needs_model
    def test_password(self):
        secret = self.folder / "secret"
        secret.write_text("pass word\n")
        secret.chmod(0o600)
        with Simulator(cameras=1, inputs=CLIPS[:1], auth="user:pass word") as sim:
            for login in ({"PASSWORD_FILE": str(secret)}, {"PASSWORD_ENV": "TEST_SECRET"}):
                made = config({"a": sim.url(0)}, self.folder / "out", cameras={"USERNAME": "user", **login}, app={"LOG_LEVEL": "info"})
                done = fovea("run", "-c", self.write("config.json", made), "--quiet", "--duration", 3 * harness.PATIENCE, limit=40,
                             env={**environment(), "TEST_SECRET": "pass word"})
                self.assertIn("-> playing", done.err)

    @needs_clip
    @needs_model
    def test_gathering(self):
        """Fewer wake-ups of the network thread when reads are gathered longer."""
        switches = []
        with Simulator(cameras=2) as sim:
            for gather in (0, 200):
                made = config({f"c{i}": sim.url(i) for i in range(2)}, self.folder / "out", cameras={"GATHER_MS": gather})
                process = start("run", "-c", self.write("config.json", made), "--quiet", "--duration", 6 * harness.PATIENCE)
                time.sleep(5 * harness.PATIENCE)
                for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
                    if (task / "comm").read_text().strip() == "fv-ingest":
                        text = (task / "status").read_text()
                        switches.append(int(re.search(r"\nvoluntary_ctxt_switches:\s*(\d+)", text)[1]))
                finish(process, 30)
        self.assertGreater(switches[0], 1.5 * switches[1])
