# SPDX-License-Identifier: Apache-2.0
"""fovea analyze and fovea validate integrity, as users run them; the street scene against a count by hand."""

import json
import subprocess
import tempfile
import pathlib
import unittest

import harness
from harness import FAILED, OK, ROOT, USAGE, Case, needs_clip, needs_model

# Upright line at 0.42 of the width, counted by hand on contact sheets of every sixth picture (every second or third one where
# people hide each other), before the program was run. From the left to the right, near picture 9, 93, 303, 322, 335, 339, 450, 585,
# 603, 667, 687, 731, 772 and 779; the other way near 69, 165, 186, 228, 267, 289, 302, 375, 501, 534, 537, 576, 653, 660, 696, 718,
# 760 and 780.
BY_HAND = {"a_to_b": 14, "b_to_a": 18}
