#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reader's tensors on a GPU, with PyTorch: frames of simulated cameras by the examples' ctypes module and by the C example.

    reader_check.py FOVEA CLIP JSON [SECONDS]       beside libfovea.so.0, libjansson.so.4, reader_tensors.py, reader_tensors

Checked: tensors lie on the device, in the decoder's own memory; what two consumers of one clip see is the same to the bit; a consumer that
keeps its frames misses pictures and the other's go on; a tensor outlives its reader; kernels that were enqueued before the release
read what was there (hold); a frame's JPEG shows the frame. 77: PyTorch or a GPU is missing.
"""

import ctypes
import json
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
LIBRARY = str(HERE / "libfovea.so.0")
failures = []


def check(good, text):
    print(("ok: " if good else "not ok: ") + text, flush=True)
    if not good:
        failures.append(text)


def start_cameras(fovea, clip, fps):
    sim = subprocess.Popen([fovea, "sim", "--listen", "127.0.0.1:0", "--cameras", "2", "--fps", str(fps), "--input", clip],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in sim.stdout:
        found = re.search(r"rtsp://127\.0\.0\.1:(\d+)", line)
        if found:
            return sim, f"rtsp://127.0.0.1:{found[1]}/cam"
    raise SystemExit("the simulator says no address")


def take(torch, reader, count):
    """Checksums by picture time of `count` frames, and whether each tensor lay where the decoder put it."""
    sums, same = {}, True
    for _ in range(count):
        frame = reader.frame()
        luma, chroma = torch.from_dlpack(frame.plane(0)), torch.from_dlpack(frame.plane(1))
        same &= luma.data_ptr() == frame.picture.plane[0] and chroma.data_ptr() == frame.picture.plane[1]
        same &= luma.is_cuda and chroma.is_cuda and chroma.shape == (luma.shape[0] // 2, luma.shape[1] // 2, 2)
        weights = torch.arange(luma.shape[1], device=luma.device) % 251
        value = (luma.long() * weights).sum() + chroma.long().sum()
        frame.hold(torch.cuda.current_stream().cuda_stream)
        pts = frame.picture.frame.pts
        del luma, chroma
        frame.release()
        sums[pts] = int(value)
    return sums, same


def check_content(torch, reader_of, url, seconds):
    first, second, same = {}, {}, True
    with reader_of(url + "0") as one, reader_of(url + "0") as two:
        for _ in range(20):
            for reader, sums in ((one, first), (two, second)):
                part, good = take(torch, reader, 1)
                sums.update(part)
                same &= good
        check(same, "tensors are the decoder's memory, on the device")
        common = first.keys() & second.keys()
        check(len(common) >= 5 and all(first[pts] == second[pts] for pts in common),
              f"{len(common)} pictures of two readers are the same")
        check(len(set(first.values())) > 5, "pictures differ from each other")
        frames, begin = 0, time.monotonic()
        while time.monotonic() - begin < seconds:
            take(torch, one, 10)
            frames += 10
        return frames / (time.monotonic() - begin)


def check_keeping(torch, reader_of, url):
    with reader_of(url + "0") as greedy, reader_of(url + "1") as other:
        kept = [greedy.frame() for _ in range(4)]
        take(torch, other, 30)
        stats, fine = greedy.stats(), other.stats()
        check(stats.held == 4 and stats.missed > 0, f"who keeps 4 frames misses pictures ({stats.missed})")
        check(fine.held_most >= 1 and fine.given >= 30, f"the other's go on ({fine.given})")
        survivor = torch.from_dlpack(kept[0].plane(0))
        before = int(survivor.long().sum())
        for frame in kept:
            frame.release()
        take(torch, greedy, 4)
        check(int(survivor.long().sum()) == before, "a kept tensor stays as it is")
    check(int(survivor.long().sum()) == before, "a tensor outlives its reader")
    del survivor


def check_hold(torch, reader_of, url):
    """Slow work is enqueued, the frame given back at once; many pictures later the work's result is still that of its picture."""
    stream, wrong = torch.cuda.Stream(), 0
    with reader_of(url + "0") as reader, torch.cuda.stream(stream):
        for _ in range(20):
            frame = reader.frame()
            luma = torch.from_dlpack(frame.plane(0))
            want = luma.clone()
            torch.cuda._sleep(100_000_000)  # about 50 ms
            late = luma.clone()
            frame.hold(stream.cuda_stream)
            del luma
            frame.release()
            wrong += not bool((late == want).all())
        check(wrong == 0, f"work that was enqueued before the release reads its picture ({wrong} of 20 wrong)")


def decoded(torch, data):
    """RGB [height, width, 3] of a JPEG, by whatever this host has; None: nothing."""
    try:
        import io

        import numpy
        from PIL import Image
        return torch.from_numpy(numpy.array(Image.open(io.BytesIO(data)).convert("RGB")))
    except ImportError:
        pass
    try:
        import torchvision
        return torchvision.io.decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8)).permute(1, 2, 0)
    except (ImportError, RuntimeError):
        return None


def check_jpeg(torch, reader_of, url):
    """The camera sends BT.601 or BT.709 of limited range: brightness of the JPEG is that of the frame."""
    with reader_of(url + "0") as reader:
        frame = reader.frame()
        luma = torch.from_dlpack(frame.plane(0)).float()
        height, width = luma.shape
        data = frame.jpeg(90)
        check(data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9", f"a JPEG of {len(data)} bytes")
        rgb = decoded(torch, data)
        if rgb is None:
            print("left out: neither PIL nor torchvision is there to decode it")
        else:
            weights = torch.tensor([0.2126, 0.7152, 0.0722] if frame.picture.bt709 else [0.299, 0.587, 0.114])
            check(tuple(rgb.shape) == (height, width, 3), f"it is {width} x {height}")
            want = ((luma - 16) * 255 / 219).clamp(0, 255).cpu()
            error = ((rgb.float() @ weights) - want).square().mean()
            db = 10 * float(torch.log10(255 ** 2 / error))
            check(db > 30, f"its brightness is the frame's ({db:.1f} dB)")
        del luma
        frame.release()


def main():
    fovea, clip, figures = sys.argv[1:4]
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 3
    try:
        import torch
    except ImportError:
        print("left out: there is no PyTorch")
        return 77
    if not torch.cuda.is_available():
        print("left out: PyTorch sees no GPU")
        return 77
    import reader_tensors
    ctypes.CDLL(str(HERE / "libjansson.so.4"))  # libfovea needs it
    torch.zeros(1, device="cuda")  # PyTorch comes first, as in most programs

    def reader_of(url):
        return reader_tensors.Reader(LIBRARY, url, "gpu")

    sim, url = start_cameras(fovea, clip, 30)
    try:
        rate = check_content(torch, reader_of, url, seconds)
        check_keeping(torch, reader_of, url)
        check_hold(torch, reader_of, url)
        check_jpeg(torch, reader_of, url)
        places = ":".join(filter(None, (str(HERE), os.environ.get("LD_LIBRARY_PATH"))))
        done = subprocess.run([str(HERE / "reader_tensors"), url + "0", "gpu", "10"], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "LD_LIBRARY_PATH": places})
        lines = done.stdout.splitlines()
        check(done.returncode == 0 and sum("on gpu" in line for line in lines) == 10, "the C example: " + (lines or [""])[-1])
    finally:
        sim.terminate()
        sim.wait()
    pathlib.Path(figures).write_text(json.dumps({"torch": torch.__version__, "frames_per_s": rate, "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
