# SPDX-License-Identifier: Apache-2.0
"""The GPU back end as a user runs it, on the look-alike of NVIDIA's driver and a library that stands for ONNX Runtime's GPU build."""

import unittest

from harness import FOVEA, MODEL, NO_GPU, OK, Case, Simulator, config, fovea, needs_clip, needs_model
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
