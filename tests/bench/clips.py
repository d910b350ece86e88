# SPDX-License-Identifier: Apache-2.0
"""Clips that the benchmark and the interoperation tests play: made once by ffmpeg, kept in .cache/bench/."""

import dataclasses
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache/bench"


@dataclasses.dataclass(frozen=True)
class Clip:
    name: str
    what: str
    size: str
    rate: str  # of the encoder, bits a second
    codec: str = "h264"
    fps: int = 25
    seconds: int = 8

    @property
    def path(self):
        return CACHE / f"{self.name}-{self.size}-{self.rate}-{self.fps}.{self.codec}"


HD = Clip("hd", "1080p H.264, 4 Mbit/s, 25 fps", "1920x1080", "4100k")
SD = Clip("sd", "360p H.264, 1 Mbit/s, 25 fps", "640x360", "1025k")
HEVC = Clip("hevc", "1080p H.265, 3 Mbit/s, 25 fps", "1920x1080", "3100k", codec="h265")
SMALL = Clip("small", "360p H.264, 0.5 Mbit/s, 25 fps", "640x360", "500k", seconds=4)
SMALL_HEVC = Clip("small", "360p H.265, 0.5 Mbit/s, 25 fps", "640x360", "500k", codec="h265", seconds=4)

OF_CELLS = {clip.name: clip for clip in (HD, SD, HEVC)}

# No B pictures, a key picture every two seconds (every second in the short ones), a buffer of one second: as cameras do.
ENCODERS = {
    "h264": ["-c:v", "libx264", "-preset", "ultrafast", "-sc_threshold", "0", "-bf", "0", "-x264-params", "vbv-init=0.3"],
    "h265": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
             "log-level=error:bframes=0:scenecut=0:open-gop=0:repeat-headers=1:pools=1:frame-threads=1"],
}
CONTAINERS = {"h264": "h264", "h265": "hevc"}


class CannotMake(Exception):
    pass


def ensure(clip):
    """The clip's file; makes it when it is not there."""
    if clip.path.exists():
        return clip.path
    if not shutil.which("ffmpeg"):
        raise CannotMake("ffmpeg is needed to make the clip (package ffmpeg)")
    CACHE.mkdir(parents=True, exist_ok=True)
    gop = clip.fps * (2 if clip.seconds > 4 else 1)
    new = clip.path.with_suffix(f".{os.getpid()}.new")
    source = f"testsrc2=size={clip.size}:rate={clip.fps},noise=alls=12:allf=t"  # noise keeps the rate up
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", str(clip.seconds), "-pix_fmt", "yuv420p",
         *ENCODERS[clip.codec], "-threads", "1", "-b:v", clip.rate, "-maxrate", clip.rate, "-bufsize", clip.rate,
         "-g", str(gop), "-keyint_min", str(gop), "-f", CONTAINERS[clip.codec], str(new)],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    if done.returncode != 0:
        new.unlink(missing_ok=True)
        raise CannotMake(f"ffmpeg could not make {clip.what}: {done.stderr.strip()[-300:]}")
    os.replace(new, clip.path)
    return clip.path


def long_film(clip, seconds=120):
    """The clip again and again in a Matroska file, for servers that need times and do not play in a loop."""
    path = clip.path.with_suffix(f".{clip.codec}.{seconds}s.mkv")
    if path.exists():
        return path
    raw = ensure(clip).read_bytes() * (seconds // clip.seconds)
    new = path.with_suffix(f".{os.getpid()}.new")
    done = subprocess.run(["ffmpeg", "-v", "error", "-y", "-fflags", "+genpts", "-r", str(clip.fps), "-f", CONTAINERS[clip.codec], "-i", "-",
                           "-c", "copy", "-f", "matroska", str(new)], input=raw, stderr=subprocess.PIPE, timeout=60, check=False)
    if done.returncode != 0:
        new.unlink(missing_ok=True)
        raise CannotMake(f"ffmpeg could not make {path.name}: {done.stderr.decode().strip()[-300:]}")
    os.replace(new, path)
    return path
