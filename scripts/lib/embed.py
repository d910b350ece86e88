#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py NAME IN OUT: writes OUT, C source with the bytes of IN and a terminating zero as `const char NAME[]`."""

import pathlib
import sys

name, source, target = sys.argv[1:]
rows = []
data = pathlib.Path(source).read_bytes() + b"\0"
for at in range(0, len(data), 32):
    rows.append(" " + "".join(f" {byte}," for byte in data[at:at + 32]))
text = "\n".join([f"extern const char {name}[];", f"const char {name}[] = {{", *rows, "};", ""])
pathlib.Path(target).write_text(text)
