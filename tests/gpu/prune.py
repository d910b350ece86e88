#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Empties the GPU code of other architectures in a library, so that it packs small: the file keeps its size, and zeros pack to nothing.

A library holds its GPU code in containers ("fatbins"): a header (magic, version, header size, size of what follows), then entries, each with
a header that names kind and architecture. Only the code behind a header of another architecture is overwritten.

    prune.py LIBRARY OUT ARCHITECTURE...     e.g. prune.py a.so b.so 90
"""

import struct
import sys

MAGIC = struct.pack("<I", 0xBA55ED50)
HEADER = struct.Struct("<IHHQ")  # magic, version, header size, size of the entries
ENTRY = struct.Struct("<HHIQ")  # kind, version, header size, size of the code
ARCHITECTURE = 28  # where an entry's header says it


def containers(data):
    """(start, end) of the entries of each container."""
    at = data.find(MAGIC)
    while at >= 0:
        _, version, header, size = HEADER.unpack_from(data, at)
        start = at + header
        if version == 1 and header == HEADER.size and start + size <= len(data):
            yield start, start + size
            at = data.find(MAGIC, start + size)
        else:
            at = data.find(MAGIC, at + 1)


def prune(data, keep):
    kept = emptied = 0
    for at, end in containers(data):
        while at < end:
            _, _, header, size = ENTRY.unpack_from(data, at)
            architecture, = struct.unpack_from("<I", data, at + ARCHITECTURE)
            if header == 0 or at + header + size > end:
                sys.exit(f"prune.py: an entry at {at} does not fit into its container")
            if architecture in keep:
                kept += size
            else:
                emptied += size
                data[at + header:at + header + size] = bytes(size)
            at += header + size
    return kept, emptied


def main():
    library, out, *architectures = sys.argv[1:]
    with open(library, "rb") as file:
        data = bytearray(file.read())
    kept, emptied = prune(data, {int(architecture) for architecture in architectures})
    if kept == 0:
        sys.exit(f"prune.py: {library} has no code for {', '.join(architectures)}")
    with open(out, "wb") as file:
        file.write(data)
    print(f"{out}: {kept} bytes of GPU code kept, {emptied} emptied")


if __name__ == "__main__":
    main()
