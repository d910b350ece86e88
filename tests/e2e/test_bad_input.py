# SPDX-License-Identifier: Apache-2.0
"""Files that are missing, broken or not what they claim to be: a clear message, an exit code, an end."""

import json
import shutil
import socket
import unittest

from harness import CLIPS, FAILED, MODEL, NO_GPU, OK, USAGE, Case, config, fovea, needs_clip, needs_model

CAMERA = {"gate": "rtsp://127.0.0.1:9/cam0"}
SECRET = "hunter-two-secret"


class Config(Case):
    def refuse(self, content, code, *needles):
        path = self.write("config.json", content)
        done = fovea("run", "-c", path)
        self.assert_refused(done, code, *needles)
        return done

    def test_no_file(self):
        path = self.folder / "nowhere.json"
        self.assert_refused(fovea("run", "-c", path), USAGE, "nowhere.json")

    def test_folder_instead_of_file(self):
        self.assertIn(fovea("run", "-c", self.folder).code, (FAILED, USAGE))

    def test_empty_file(self):
        self.refuse("", FAILED, "config.json")

    def test_syntax_error_has_line_and_column(self):
        self.refuse('{\n  "processing": {"BACKEND": "cpu"},\n  "models": oops\n}\n', FAILED, r"config\.json:3:\d+")

    def test_unknown_key_has_suggestion(self):
        made = config(CAMERA, self.folder)
        made["processing"]["BACKED"] = made["processing"].pop("BACKEND")
        self.refuse(made, FAILED, "BACKED", "BACKEND", r"config\.json:\d+:\d+")

    def test_all_problems_at_once(self):
        made = config(CAMERA, self.folder, processing={"MAX_QUEUE_SIZE": 0}, models={"MODEL_IOU_THRESHOLD": 7})
        self.refuse(made, FAILED, "MAX_QUEUE_SIZE", "MODEL_IOU_THRESHOLD")

    def test_bad_url_keeps_the_password_to_itself(self):
        done = self.refuse(config({"gate": f"http://admin:{SECRET}@host/x"}, self.folder), FAILED, "url")
        self.assertNotIn(SECRET, done.text)

    def test_duplicate_names(self):
        made = config(CAMERA, self.folder)
        made["cameras"]["RTSP_STREAMS"] *= 2
        self.refuse(made, FAILED, "gate")

    def test_no_camera(self):
        self.refuse(config({}, self.folder), FAILED, "cameras")


class Output(Case):
    @needs_model
    def test_output_folder_that_cannot_be_made(self):
        """A regular file in the way: refused for root too."""
        blocker = self.write("blocker", "")
        done, _ = self.run_engine(config(CAMERA, blocker / "out"), 2)
        self.assertNotEqual(done.code, OK, str(done))
        self.assertIn("blocker", done.text)

    @needs_model
    def test_summary_that_cannot_be_written(self):
        path = self.write("config.json", config(CAMERA, self.folder / "out"))
        done = fovea("run", "-c", path, "--duration", 1, "--summary", self.folder / "nowhere" / "summary.json")
        self.assert_refused(done, FAILED, "nowhere/summary.json")


@needs_model
class Model(Case):
    def setUp(self):
        self.model = self.folder / "model.onnx"
        shutil.copy(MODEL, self.model)
        self.manifest = json.loads(MODEL.with_suffix(".json").read_text())

    def refuse(self, code, *needles):
        self.write("model.json", self.manifest)
        made = config(CAMERA, self.folder / "out", models={"MODEL_PATH": str(self.model)})
        done = fovea("run", "-c", self.write("config.json", made), "--duration", 1)
        self.assert_refused(done, code, *needles)

    def test_no_model(self):
        self.model.unlink()
        self.refuse(USAGE, "model.onnx")

    def test_no_manifest(self):
        made = config(CAMERA, self.folder / "out", models={"MODEL_PATH": str(self.model)})
        (self.folder / "model.json").unlink(missing_ok=True)
        done = fovea("run", "-c", self.write("config.json", made), "--duration", 1)
        self.assert_refused(done, USAGE, "model.json")

    def test_wrong_checksum(self):
        with self.model.open("ab") as file:
            file.write(b"x")
        self.refuse(FAILED, "model.onnx", "sha256|checksum")

    def test_manifest_of_another_size(self):
        self.manifest["input"]["width"] = 640
        self.refuse(FAILED, "640|rows")

    def test_manifest_with_another_input_name(self):
        self.manifest["input"]["name"] = "pictures"
        self.refuse(FAILED, "pictures", "images")

    def test_manifest_with_too_few_labels(self):
        self.manifest["labels"] = self.manifest["labels"][:-1]
        self.refuse(FAILED, "labels?|columns")

    def test_unknown_class(self):
        made = config(CAMERA, self.folder / "out", models={"TARGET_CLASSES": ["unicorn"]})
        done = fovea("run", "-c", self.write("config.json", made), "--duration", 1)
        self.assert_refused(done, FAILED, "unicorn")


class NoGpu(Case):
    def test_default_config_names_what_is_missing(self):
        """GPU-only is the default: without one the program ends soon and says what is missing."""
        made = config(CAMERA, self.folder / "out")
        del made["processing"]["BACKEND"]
        done = fovea("run", "-c", self.write("config.json", made))
        if done.code == OK:
            raise unittest.SkipTest("this machine has a usable GPU")
        self.assert_refused(done, NO_GPU, r"libcuda|GPU|CUDA", "cpu")
        self.assertLess(done.seconds, 5)


class Simulator(Case):
    def refuse(self, *arguments, needles=()):
        done = fovea("sim", *arguments)
        self.assertIn(done.code, (FAILED, USAGE), str(done))
        self.assert_refused(done, done.code, *needles)

    def test_no_clip(self):
        self.refuse("--listen", "127.0.0.1:0", "--input", self.folder / "nowhere.h264", needles=["nowhere.h264"])

    def test_clip_that_is_none(self):
        path = self.write("clip.h264", "no video at all\n" * 1000)
        self.refuse("--listen", "127.0.0.1:0", "--input", path, needles=["clip.h264"])

    def test_empty_clip(self):
        self.refuse("--listen", "127.0.0.1:0", "--input", self.write("empty.h265", ""), needles=["empty.h265"])

    def test_no_input(self):
        self.refuse("--listen", "127.0.0.1:0", needles=["--input"])

    @needs_clip
    def test_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = f"127.0.0.1:{server.getsockname()[1]}"
            self.refuse("--listen", address, "--input", CLIPS[0], needles=[address])

    @needs_clip
    def test_bad_numbers(self):
        for option, value in (("--cameras", "0"), ("--cameras", "many"), ("--fps", "-3"), ("--listen", "nonsense")):
            with self.subTest(option=option, value=value):
                arguments = ["--listen", "127.0.0.1:0", "--input", CLIPS[0], option, value]
                self.refuse(*arguments, needles=[value if option == "--listen" else option])
