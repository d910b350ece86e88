# SPDX-License-Identifier: Apache-2.0
"""An address in a wrong place, or a mistyped one: no command, setting or file repeats its password."""

import json
import os
import re

from harness import CLIPS, Case, config, fovea, needs_clip

SECRET = "hunter-two"
# Each might have been meant as rtsp://user:SECRET@host/x.
MISTYPED = [f"user:{SECRET}@host/x", f"rstp://user:{SECRET}@host/", f"rtsp:/user:{SECRET}@host", f"rtsp//user:{SECRET}@host/x",
            f"user:a@b/{SECRET}@host", f"rtsp://user:{SECRET}/x", f"rstp://host/x?password={SECRET}", f"user%3A{SECRET}@host/x"]
# What makes a command go on to where an argument matters: {c} is a configuration, {f} a film.
COMMANDS = """

run -c {c} --duration 0.1
analyze
analyze {f} --backend cpu -c {c}
ingest --duration 0.1
probe
snapshot -o x.jpg --backend cpu --timeout 0.2
snapshot -o x.jpg -c {c} --timeout 0.2
sim --duration 0.1 --listen 127.0.0.1:0
sim --duration 0.1 --listen 127.0.0.1:0 --input {f}
config
config check
config check --machine --json
config show
config show --json {c}
config migrate
config migrate {c}
config rollback
config explain
config schema
doctor
engine
engine build
engine list
engine verify
engine clean
validate
validate accuracy
validate accuracy --gt {c} --tracks {c}
validate integrity
validate integrity {f} --backend cpu -c {c}
bench
bench decode --duration 0.1 --warm 0
bench decode {f} --backend cpu --duration 0.1 --warm 0
bench pipeline
"""


def options_of(words):
    """Those that take a value, as the command's own help tells them."""
    names = [word for word in words if re.fullmatch("[a-z]+", word)]
    text = fovea(*names[:2], "--help").out if words else ""
    return sorted(set(re.findall(r"^ +(?:-\w, +)?(--[a-z-]+) +[A-Z]", text, re.MULTILINE)) - {"--auth"})


@needs_clip
class Secrets(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = config({"gate": "rtsp://127.0.0.1:9/x"}, cls.folder / "out")
        cls.turn = 0
        (cls.folder / "film.h264").write_bytes(CLIPS[0].read_bytes()[:60000])

    def check(self, *arguments, **options):
        done = fovea(*arguments, cwd=self.folder, **options)
        self.assertNotIn(SECRET, done.text, [str(a) for a in arguments])

    def mistyped(self):
        """Another one each time."""
        type(self).turn += 1
        return MISTYPED[self.turn % len(MISTYPED)]

    def test_every_argument_of_every_command(self):
        self.write("c.json", self.good)
        options = 0
        for command in COMMANDS.split("\n")[1:-1]:
            words = command.format(c="c.json", f="film.h264").split()
            for text in (MISTYPED[0], self.mistyped(), f"--{self.mistyped()}"):
                self.check(*words, text)
            for option in options_of(words):
                options += 1
                self.check(*words, option, self.mistyped())
        self.assertGreater(options, 100)

    def test_every_setting(self):
        sections = json.loads(fovea("config", "schema").out)["properties"]
        keys = [(name, key) for name, section in sections.items() for key in section.get("properties", ())]
        self.assertGreater(len(keys), 100)
        for first in range(len(MISTYPED)):
            made = json.loads(json.dumps(self.good))
            for n, (section, key) in enumerate(keys):
                made.setdefault(section, {})[key] = MISTYPED[(first + n) % len(MISTYPED)]
            self.every_look(made)
        shown = json.loads(fovea("config", "show", "--defaults", "--json").out)
        texts = [key.split(".") for key, setting in shown.items() if isinstance(setting["value"], str | None)]
        self.assertGreater(len(texts), 20)
        for section, key in texts:  # alone: nothing stops what uses it
            made = json.loads(json.dumps(self.good))
            made.setdefault(section, {})[key] = self.mistyped()
            self.check("run", "-c", self.write("c.json", made), "--duration", "0.1")

    def every_look(self, made):
        path = self.write("c.json", made)
        for words in ("config check", "config check --json --machine", "config show", "config migrate --dry-run",
                      "engine list -c"):
            self.check(*words.split(), path)

    def test_every_place_of_a_camera(self):
        camera = {"name": "gate", "url": "rtsp://127.0.0.1:9/x"}
        for key in ("name", "url", "url", "USERNAME", "PASSWORD_ENV", "PASSWORD_FILE", "TLS_CA_FILE", self.mistyped()):
            text = self.mistyped()
            self.every_look({**self.good, "cameras": {"RTSP_STREAMS": [{**camera, key: text}]}})
            self.check("doctor", "--json", "-c", self.folder / "c.json")

    def test_environment(self):
        path = self.write("c.json", self.good)
        for name in ("PROCESSING__BACKEND", "MODELS__MODEL_PATH", "MODELS__DEVICE", "OUTPUT__OUTPUT_DIR", "APP__LOG_FILE"):
            environment = {**os.environ, f"FOVEA_{name}": self.mistyped()}
            self.check("config", "show", path, env=environment)
            self.check("config", "check", "--machine", path, env=environment)
        environment = {**os.environ, f"FOVEA_X__{MISTYPED[0]}": "1"}
        self.check("config", "check", "--machine", path, env=environment)

    def test_list_of_addresses(self):
        for text in MISTYPED:
            self.check("ingest", "--duration", "0.1", "--urls", self.write("urls.txt", f"{text}\n"))
        path = self.write(f"urls:{SECRET}@host", "rtsp:x\n")
        self.check("ingest", "--duration", "0.1", "--urls", path)
