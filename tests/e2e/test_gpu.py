# SPDX-License-Identifier: Apache-2.0
"""The GPU back end as a user runs it, on the look-alike of NVIDIA's driver and a library that stands for ONNX Runtime's GPU build."""

import fcntl
import json
import shutil
import signal
import time
import unittest

from harness import Case, FOVEA, MODEL, NO_GPU, OK, Simulator, USAGE, config, finish, fovea, needs_clip, needs_model, start
from test_config import FAKE_GPU, environment

FAKE_ORT = FOVEA.parent / "src/infer/libfake_ort.so"
LOST = 4


@needs_clip
@needs_model
@unittest.skipUnless(FAKE_GPU.exists() and FAKE_ORT.exists(), "no look-alikes of driver and ONNX Runtime in this build")
class Gpu(Case):
    def run_on_it(self, script, seconds=4, ort=FAKE_ORT, **sections):
        with Simulator(cameras=1) as simulator:
            made = config({"gate": simulator.url(0)}, self.folder, **sections)
            made["processing"]["BACKEND"] = "gpu"
            made["models"] = {"MODEL_PATH": str(MODEL.with_name("yolox_nano_fp16.onnx")), "INFERENCE_PROVIDER": "cuda",
                              **sections.get("models", {})}
            path = self.write("gpu.json", made)
            env = {**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_ORT_PATH": str(ort),
                   "FOVEA_FAKE_GPU": f"memory-mb=4000,leaks=ok,{script}"}
            return fovea("run", "-c", path, "--duration", seconds, "--quiet", env=env, limit=60)

    def test_loss_has_its_exit_code(self):
        """A supervisor can tell a lost GPU from everything else; "stay" goes on without it."""
        done = self.run_on_it("lost-after=1200", seconds=30)
        self.assertEqual(done.code, LOST, str(done))
        self.assertRegex(done.err, r"the GPU is lost: cu\w+: CUDA_ERROR_ILLEGAL_ADDRESS")
        done = self.run_on_it("lost-after=1200", seconds=12, processing={"ON_GPU_LOSS": "stay"})
        self.assertEqual(done.code, OK, str(done))
        self.assertIn("nothing is analysed any more", done.err)
        done = self.run_on_it("call-fail=cuMemHostAlloc:1:700")  # while it starts: not as one that is not there
        self.assertEqual(done.code, LOST, str(done))

    def test_everything_missing_at_once(self):
        """Driver, model and provider: one start names them all, each with its cure."""
        done = self.run_on_it("no-device", ort="/nonexistent", models={"MODEL_PATH": "/nonexistent/m.onnx"})
        self.assertEqual(done.code, NO_GPU, str(done))
        for text in ("the NVIDIA driver gives no GPU", "/nonexistent/m.onnx", "ONNX Runtime: /nonexistent", "3 things are missing"):
            self.assertIn(text.lower(), done.err.lower())
        self.assertEqual(done.err.count(" error: "), 3, done.err)
        done = self.run_on_it("", models={"INFERENCE_PROVIDER": "auto"})
        self.assertEqual(done.code, NO_GPU, str(done))
        self.assertIn("1 thing is missing", done.err)
        self.assertIn("TensorRT", done.err)


@needs_model
@unittest.skipUnless(FAKE_GPU.exists() and FAKE_ORT.exists(), "no look-alikes of driver and ONNX Runtime in this build")
class Engines(Case):
    """`fovea engine` on look-alikes of driver, ONNX Runtime and TensorRT: nothing of this is a result of TensorRT."""

    def setUp(self):
        super().setUp()
        libraries = self.folder / "lib/python3.11/site-packages/nvidia/tensorrt/lib"
        libraries.mkdir(parents=True, exist_ok=True)
        for name in ("nvinfer", "nvonnxparser"):
            shutil.copy(FAKE_ORT.with_name(f"libfake_{name}.so"), libraries / f"lib{name}.so.10")
        self.engines = self.folder / self.id()
        self.config = self.write("engine.json", {
            "models": {"MODEL_PATH": str(MODEL.with_name("yolox_nano_fp16.onnx")), "INFERENCE_PROVIDER": "tensorrt",
                       "DETECTION_ENGINE_PATH": str(self.engines)}, "processing": {"GPU_BATCH_SIZE": 4},
            "cameras": {"RTSP_STREAMS": [{"name": "gate", "url": "rtsp://127.0.0.1/x"}]}})

    def test_without_a_configuration(self):
        """The defaults and what the environment says of the machine, as --help promises."""
        env = {**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_ORT_PATH": str(FAKE_ORT), "VIRTUAL_ENV": str(self.folder),
               "FOVEA_FAKE_GPU": "memory-mb=4000,leaks=ok", "FOVEA_MODELS__MODEL_PATH": str(MODEL.with_name("yolox_nano_fp16.onnx")),
               "FOVEA_MODELS__DETECTION_ENGINE_PATH": str(self.engines)}
        done = fovea("engine", "build", env=env, limit=60)
        self.assertEqual(done.code, OK, str(done))
        self.assertRegex(done.out, r"\d engines?, .* in " + str(self.engines))
        self.assertTrue(list(self.engines.glob("*/engine.json")), str(done))
        done = fovea("engine", "list", env={**env, "FOVEA_PROCESSING__GPU_BATCH_SIZE": "zz"}, limit=60)
        self.assert_refused(done, 1, "the environment: processing.GPU_BATCH_SIZE: ")

    def engine(self, *arguments):
        env = {**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_ORT_PATH": str(FAKE_ORT),
               "VIRTUAL_ENV": str(self.folder), "FOVEA_FAKE_GPU": "memory-mb=4000,leaks=ok"}
        return fovea("engine", *arguments, "-c", self.config, env=env, limit=60)

    def look(self, verb):
        done = self.engine(verb, "--json")
        return done.code, json.loads(done.out)

    def test_from_build_to_clean(self):
        self.assertEqual(self.look("list"), (OK, {"folder": str(self.engines), "engines": [], "bytes": 0}))
        done = self.engine("build")
        self.assertEqual(done.code, OK, str(done))
        self.assertRegex(done.err, "building the engine for batches of 1 .*\n.*building the engine for batches of 4 ")
        code, found = self.look("verify")
        self.assertEqual(code, OK)
        self.assertEqual(sorted(e["shape"] for e in found["engines"]), ["images:1x3x416x416", "images:4x3x416x416"])
        self.assertNotIn("building", self.engine("build").err)
        next(self.engines.glob("*/*.engine")).write_text("engin3")
        self.assertEqual(self.look("list")[0], OK)
        code, found = self.look("verify")
        self.assertEqual(code, 1)
        self.assertEqual(sorted(e["state"] for e in found["engines"]), ["damaged", "whole"])
        self.assertEqual(len(self.look("clean")[1]["removed"]), 1)
        self.assertRegex(self.engine("clean", "--all").out, "1 removed .* 0 kept")
        self.assertEqual(self.look("list")[1]["engines"], [])

    def test_classifier_too(self):
        """What `fovea run` would build at its start: also of the second model."""
        made = json.loads(self.config.read_text())
        made["classifier"] = {"MODEL_PATH": str(self.folder / "second.onnx")}
        self.config.write_text(json.dumps(made))
        self.assert_refused(self.engine("build"), USAGE, "the classifier: .*second.onnx: No such file")
        self.assertEqual(len(self.look("list")[1]["engines"]), 2)  # the detector's

    def test_failed_build_leaves_nothing(self):
        self.engines.mkdir()
        manifest = json.loads(MODEL.with_name("yolox_nano_fp16.json").read_text())
        manifest["output"]["name"] = "another"
        shutil.copy(MODEL.with_name("yolox_nano_fp16.onnx"), self.folder / "odd.onnx")
        self.write("odd.json", manifest)
        made = json.loads(self.config.read_text())
        made["models"]["MODEL_PATH"] = str(self.folder / "odd.onnx")
        self.config.write_text(json.dumps(made))
        self.assertNotEqual(self.engine("build").code, OK)
        self.assertEqual(list(self.engines.iterdir()), [])

    def test_clean_goes_on(self):
        """What cannot be removed is named, and the rest is removed all the same."""
        for name in "ab":
            (self.engines / f"tensorrt-{name}-0123456789abcdef").mkdir(parents=True)
        (self.engines / "tensorrt-a-0123456789abcdef.lock").mkdir()  # no lock can be taken
        done = self.engine("clean")
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("tensorrt-a-0123456789abcdef cannot be removed", done.err)
        self.assertIn("1 removed", done.out)
        self.assertFalse((self.engines / "tensorrt-b-0123456789abcdef").exists())

    def test_refusals(self):
        for arguments, text in ((["dig"], "there is no 'dig'"), (["list", "more"], "unexpected argument"), (["list", "--all"], "for clean")):
            self.assert_refused(self.engine(*arguments), USAGE, text)
        made = json.loads(self.config.read_text())
        made["models"]["INFERENCE_PROVIDER"] = "cuda"
        self.config.write_text(json.dumps(made))
        done = self.engine("build")
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("uses no built engine", done.err)
        made["models"]["INFERENCE_PROVIDER"] = "cudda"
        self.config.write_text(json.dumps(made))
        for verb in ("build", "list"):
            self.assert_refused(self.engine(verb), 1, "error: models.INFERENCE_PROVIDER")  # not only how many errors there are

    def test_interrupted(self):
        """Another process has the engine: the build waits, Ctrl-C ends it at once."""
        self.assertEqual(self.engine("build").code, OK)
        lock = next(self.engines.glob("*.lock"))
        env = {**environment(), "LD_LIBRARY_PATH": str(FAKE_GPU.parent), "FOVEA_ORT_PATH": str(FAKE_ORT),
               "VIRTUAL_ENV": str(self.folder), "FOVEA_FAKE_GPU": "memory-mb=4000,leaks=ok"}
        with lock.open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = start("engine", "build", "-c", self.config, env=env)
            self.assertIn("waiting for another process", process.stderr.readline())
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            done = finish(process, 4, began)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("interrupted", done.err)
