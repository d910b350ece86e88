#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Frames of one camera as tensors of PyTorch (on the GPU) or NumPy (on the CPU), without a copy, by ctypes and DLPack.

    reader_tensors.py [--library libfovea.so] [--backend cpu|gpu] [--frames 10] [--jpeg FILE] rtsp://HOST/PATH

As a module: Reader(library, url, backend) is a context manager; reader.frame() gives the next Frame; frame.plane(0) goes to
torch.from_dlpack() or numpy.from_dlpack(); the pixels stay until the frame and all that was made of it are gone.
"""

import argparse
import ctypes as c
import pathlib
import queue
import sys


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("text", c.c_char * 500)]


class Stamps(c.Structure):
    _fields_ = [(n, c.c_int64) for n in ("first_packet", "last_packet", "delivered", "decoded", "inferred", "event")]


class FrameInfo(c.Structure):
    _fields_ = [("camera", c.c_uint32), ("epoch", c.c_uint32), ("number", c.c_uint64), ("pts", c.c_int64), ("wall", c.c_int64),
                ("flags", c.c_uint32), ("width", c.c_uint32), ("height", c.c_uint32), ("at", Stamps)]


class Picture(c.Structure):
    _fields_ = [("frame", FrameInfo), ("format", c.c_int), ("plane", c.c_void_p * 3), ("pitch", c.c_size_t * 3),
                ("bt709", c.c_bool), ("full_range", c.c_bool), ("on_device", c.c_bool), ("device", c.c_uint)]


class CameraEvent(c.Structure):
    _fields_ = [("camera", c.c_uint32), ("camera_name", c.c_char_p), ("from_", c.c_int), ("to", c.c_int), ("code", c.c_int),
                ("reason", c.c_char_p), ("at", c.c_int64)]


FRAME = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p)
STATE = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(CameraEvent))


class Consumer(c.Structure):
    _fields_ = [("name", c.c_char_p), ("held", c.c_uint), ("patience", c.c_int64), ("frame", FRAME), ("data", c.c_void_p)]


class Params(c.Structure):
    _fields_ = [("url", c.c_char_p), ("backend", c.c_char_p), ("picture", c.c_void_p), ("state", STATE), ("data", c.c_void_p),
                ("consumers", c.POINTER(Consumer)), ("consumer_count", c.c_uint), ("device", c.c_uint),
                ("config_path", c.c_char_p), ("camera", c.c_char_p), ("problem", c.c_void_p)]


class Stats(c.Structure):
    _fields_ = [("given", c.c_uint64), ("missed", c.c_uint64), ("late", c.c_uint64), ("held", c.c_uint),
                ("held_most", c.c_uint), ("oldest", c.c_int64)]


def load(path):
    lib = c.CDLL(path)
    pointer, error = c.c_void_p, c.POINTER(Error)
    for name, result, arguments in (
            ("open", c.c_int, [c.POINTER(Params), c.POINTER(pointer), error]), ("start", c.c_int, [pointer, error]),
            ("stop", None, [pointer]), ("close", None, [pointer]),
            ("consumer_stats", c.c_int, [pointer, c.c_uint, c.POINTER(Stats)]),
            ("frame_picture", c.POINTER(Picture), [pointer]), ("frame_release", None, [pointer]),
            ("frame_tensor", c.c_int, [pointer, c.c_uint, c.POINTER(pointer)]),
            ("frame_tensor_versioned", c.c_int, [pointer, c.c_uint, c.POINTER(pointer)]),
            ("frame_gate", c.c_int, [pointer, pointer, error]), ("frame_hold", c.c_int, [pointer, pointer, error]),
            ("frame_jpeg", c.c_int, [pointer, c.c_uint, c.POINTER(pointer), c.POINTER(c.c_size_t), error]),
            ("jpeg_free", None, [pointer])):
        function = getattr(lib, "fv_reader_" + name)
        function.restype, function.argtypes = result, arguments
    return lib


# --- capsules: a tensor that nobody took is given back by its capsule ---

_new = c.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]
_valid = c.pythonapi.PyCapsule_IsValid
_valid.restype, _valid.argtypes = c.c_int, [c.c_void_p, c.c_char_p]
_get = c.pythonapi.PyCapsule_GetPointer
_get.restype, _get.argtypes = c.c_void_p, [c.c_void_p, c.c_char_p]
_DELETER = c.CFUNCTYPE(None, c.c_void_p)
# Where the deleter lies in a DLManagedTensor and in a DLManagedTensorVersioned.
_PLAIN, _VERSIONED = (b"dltensor", 56), (b"dltensor_versioned", 16)


@c.CFUNCTYPE(None, c.c_void_p)
def _forget(capsule):
    for name, offset in (_PLAIN, _VERSIONED):
        if _valid(capsule, name):
            tensor = _get(capsule, name)
            _DELETER(c.c_void_p.from_address(tensor + offset).value)(tensor)


class Plane:
    """One plane of a frame, for whatever has a from_dlpack()."""

    def __init__(self, frame, index):
        self._frame, self._index = frame, index

    def __dlpack_device__(self):
        picture = self._frame.picture
        return (2, picture.device) if picture.on_device else (1, 0)  # kDLCUDA, kDLCPU

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """`stream`: the consumer's, as DLPack says it: its work waits for the pixels. None: the legacy default stream."""
        frame = self._frame
        if not frame.handle:
            raise BufferError("the frame was given back")
        if copy or (dl_device is not None and tuple(dl_device) != self.__dlpack_device__()):
            raise BufferError("planes are never copied")
        if stream != -1:
            frame.gate(stream or 0)
        versioned = max_version is not None and tuple(max_version) >= (1, 0) and not frame.picture.on_device
        make = frame.lib.fv_reader_frame_tensor_versioned if versioned else frame.lib.fv_reader_frame_tensor
        tensor = c.c_void_p()
        code = make(frame.handle, self._index, c.byref(tensor))
        if code < 0:
            raise BufferError(f"plane {self._index}: {code}")
        return _new(tensor, (_VERSIONED if versioned else _PLAIN)[0], c.cast(_forget, c.c_void_p))


class Frame:
    def __init__(self, lib, handle):
        self.lib, self.handle = lib, handle
        self.picture = lib.fv_reader_frame_picture(handle).contents

    @property
    def planes(self):
        return sum(1 for plane in self.picture.plane if plane)

    def plane(self, index):
        return Plane(self, index)

    def _order(self, function, stream):
        error = Error()
        if function(self.handle, c.c_void_p(stream), c.byref(error)) < 0:
            raise RuntimeError(error.text.decode())

    def gate(self, stream):
        """Work in `stream` from now on waits for the pixels. from_dlpack() does this for the current stream."""
        self._order(self.lib.fv_reader_frame_gate, stream)

    def hold(self, stream):
        """The pixels stay until the present work of `stream` is done: after the last kernel that reads them was enqueued."""
        self._order(self.lib.fv_reader_frame_hold, stream)

    def jpeg(self, quality=85):
        """The whole picture as the bytes of a JPEG file, made where it lies: on the GPU only these bytes come to the host."""
        data, size, error = c.c_void_p(), c.c_size_t(), Error()
        if self.lib.fv_reader_frame_jpeg(self.handle, quality, c.byref(data), c.byref(size), c.byref(error)) < 0:
            raise RuntimeError(error.text.decode())
        try:
            return c.string_at(data, size.value)
        finally:
            self.lib.fv_reader_jpeg_free(data)

    def release(self):
        if self.handle:
            self.lib.fv_reader_frame_release(self.handle)
            self.handle = self.picture = None


class Reader:
    def __init__(self, library, url, backend="cpu", held=4, name="python"):
        self.lib, self._frames, self._handle = load(library), queue.Queue(), c.c_void_p()
        # Kept as long as the reader: the library calls them.
        self._frame = FRAME(lambda _, frame: self._frames.put(Frame(self.lib, frame)))
        self._state = STATE(self._tell)
        self._consumer = Consumer(name.encode(), held, 0, self._frame, None)
        params = Params(url.encode(), backend.encode(), None, self._state, None, c.pointer(self._consumer), 1, 0)
        self._call(self.lib.fv_reader_open, c.byref(params), c.byref(self._handle))

    def _tell(self, _, event):
        if event.contents.code < 0 and event.contents.reason:
            print(event.contents.reason.decode(), file=sys.stderr)

    @staticmethod
    def _call(function, *arguments):
        error = Error()
        if function(*arguments, c.byref(error)) < 0:
            raise RuntimeError(error.text.decode())

    def __enter__(self):
        self._call(self.lib.fv_reader_start, self._handle)
        return self

    def __exit__(self, *_):
        self.lib.fv_reader_stop(self._handle)
        while not self._frames.empty():
            self._frames.get().release()
        self.lib.fv_reader_close(self._handle)

    def frame(self, timeout=30):
        return self._frames.get(timeout=timeout)

    def stats(self):
        stats = Stats()
        self.lib.fv_reader_consumer_stats(self._handle, 0, c.byref(stats))
        return stats


def describe(frame):
    """Brightness of a frame, computed where it lies."""
    if frame.picture.on_device:
        import torch
        luma = torch.from_dlpack(frame.plane(0))
        mean = luma.float().mean()
        frame.hold(torch.cuda.current_stream().cuda_stream)
        return luma.device, tuple(luma.shape), float(mean), luma.data_ptr()
    import numpy
    luma = numpy.from_dlpack(frame.plane(0))
    return "cpu", luma.shape, float(luma.mean()), luma.__array_interface__["data"][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", default="libfovea.so")
    parser.add_argument("--backend", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--jpeg", metavar="FILE", help="write the last frame there")
    parser.add_argument("url")
    options = parser.parse_args()
    with Reader(options.library, options.url, options.backend) as reader:
        for left in reversed(range(options.frames)):
            frame = reader.frame()
            device, shape, mean, address = describe(frame)
            print(f"frame {frame.picture.frame.number}: {shape[1]} x {shape[0]} on {device}, mean {mean:.2f}, "
                  f"{'the same memory' if address == frame.picture.plane[0] else 'a copy'}")
            if options.jpeg and left == 0:
                pathlib.Path(options.jpeg).write_bytes(frame.jpeg())
            frame.release()
        stats = reader.stats()
        print(f"{stats.given} given, {stats.missed} missed")


if __name__ == "__main__":
    main()
