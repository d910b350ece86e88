# SPDX-License-Identifier: Apache-2.0
"""`fovea probe`: a sound camera described, and each way to fail named with its phase and cure."""

import json
import signal
import time

from harness import (CLIPS, FAILED, OK, SDP_AUDIO, SDP_H264, SDP_VP8, USAGE, Case, FakeCamera, Simulator, answer, finish,
                     fovea, free_port, needs_clip, read_request, start, talk_close, talk_garbage, talk_rtsp, talk_silence)

SECRET = "hunter-two-secret"


def talk_http(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def talk_basic(connection, server="Cam\x9b2J/1"):
    """Wants a Basic login, and takes none."""
    while True:
        method, cseq = read_request(connection)
        if method is None:
            return
        answer(connection, cseq, "401 Unauthorized", ['WWW-Authenticate: Basic realm="cam"', f"Server: {server}"])


def talk_redirect(where):
    def talk(connection):
        while True:
            method, cseq = read_request(connection)
            if method is None:
                return
            moved = method == "DESCRIBE"
            answer(connection, cseq, "302 Moved" if moved else "200 OK", [f"Location: {where}"] if moved else [])

    return talk


@needs_clip
class Probe(Case):
    def test_sound_camera_as_json(self):
        with Simulator(cameras=1, inputs=CLIPS[:1], auth=f"admin:{SECRET}") as sim:
            done = fovea("probe", "--json", "--duration", 5, sim.url(0, f"admin:{SECRET}@"))
        self.assertEqual(done.code, OK, str(done))
        self.assertNotIn(SECRET, done.text)
        made = json.loads(done.out)
        self.assertEqual((made["url"], made["plays"], made["failure"]), (sim.url(0), True, None))
        session, video, stream = made["session"], made["video"], made["stream"]
        self.assertEqual(session["peer"], f"127.0.0.1:{sim.port}")
        self.assertTrue(session["login"].startswith("Digest "))
        self.assertIn("DESCRIBE", session["methods"])
        self.assertEqual([s["chosen"] for s in session["streams"]], [True])
        self.assertIsNone(session["resolve_ms"])
        for field in ("connect_ms", "session_ms", "first_packet_ms", "first_picture_ms"):
            self.assertGreater(session[field], 0, field)
        self.assertEqual(video["codec"], "h264")
        self.assertAlmostEqual(video["fps"], 10, delta=0.5)
        self.assertEqual(video["declared_fps"], 10)
        self.assertGreater(video["width"], 0)
        self.assertGreater(video["bit_rate"], 10000)
        self.assertGreater(video["gop_pictures"], 1)
        self.assertGreaterEqual(stream["access_units"], 45)
        self.assertEqual((stream["lost"], stream["reconnects"]), (0, 0))
        self.assertEqual(made["quirks"], [])

    def test_sound_camera_as_letter(self):
        with Simulator(cameras=1, inputs=CLIPS[1:]) as sim:
            done = fovea("probe", "--duration", 3, sim.url(0))
        self.assertEqual(done.code, OK, str(done))
        for needle in ("Reachable +yes", "Video +H.265", "Pictures +1?[09]", "Key pictures +", "Start +first packet",
                       "lost 0", "asks for no login"):
            self.assertRegex(done.out, needle)

    def test_losses_cost_pictures(self):
        """One picture in ten came: nobody is told that it plays."""
        with Simulator(cameras=1, inputs=CLIPS[:1], faults=["loss:probability=0.2,packets=80"]) as sim:
            done = fovea("probe", "--duration", 4, "--transport", "tcp", sim.url(0))
        self.assertEqual(done.code, OK, str(done))
        self.assertRegex(done.out, r"It plays badly: H\.264, .* with losses\s+that\s+cost\s+\d+\s+%")
        self.assertRegex(" ".join(done.out.split()), r"Lost packets cost \d+ of \d+ pictures")

    def test_wrong_password(self):
        with Simulator(cameras=1, auth=f"admin:{SECRET}") as sim:
            done = fovea("probe", sim.url(0, f"admin:not-{SECRET}@"))
            none = fovea("probe", sim.url(0))
        self.assertEqual((done.code, none.code), (FAILED, FAILED))
        self.assertNotIn(SECRET, done.text)
        self.assertRegex(done.out, "Login +Digest .*refused")
        self.assertIn("User name or password", done.out)
        self.assertRegex(none.out, "Login +Digest .*none was given")
        self.assertIn("rtsp://USER:PASSWORD@127.0.0.1/", none.out)

    def test_wrong_path(self):
        with Simulator(cameras=1) as sim:
            done = fovea("probe", sim.url(7))
        self.assertEqual(done.code, FAILED, str(done))
        self.assertIn("404", done.out)
        self.assertIn("no stream at this path", " ".join(done.out.split()))


class ProbeSick(Case):
    def failure(self, talk, *arguments):
        with FakeCamera(talk) as camera:
            done = fovea("probe", "--json", camera.url, *arguments, limit=30)
        self.assertEqual(done.code, FAILED, str(done))
        made = json.loads(done.out)
        self.assertFalse(made["plays"])
        self.assertTrue(made["advice"], str(done))
        return made["failure"], made

    def test_refused(self):
        done = fovea("probe", "--json", f"rtsp://127.0.0.1:{free_port()}/x")
        made = json.loads(done.out)
        self.assertEqual(done.code, FAILED)
        self.assertEqual((made["failure"]["phase"], made["session"]["reachable"]), ("connecting", False))
        unknown = [made["session"][name] for name in ("login", "transport", "server", "connect_ms")]
        unknown += [made["video"][name] for name in ("codec", "width", "bit_depth", "interlaced", "fps", "largest_picture")]
        self.assertEqual(set(unknown), {None}, str(done))
        self.assertIsNone(made["session"]["detour"])
        self.assertLess(done.seconds, 3)

    def test_no_rtsp_server(self):
        for talk in (talk_garbage, talk_http):
            failure, made = self.failure(talk)
            self.assertEqual(failure["phase"], "negotiating")
            self.assertIn("speak RTSP", failure["reason"] + made["advice"][0])

    def test_tls_that_fails(self):
        with FakeCamera(talk_garbage) as camera:
            done = fovea("probe", camera.url.replace("rtsp://", "rtsps://"))
        self.assertEqual(done.code, FAILED, str(done))
        self.assertRegex(done.out, r"Reachable +yes: 127\.0\.0\.1:\d+, but TLS could not be set up")
        self.assertIn("The TLS handshake failed", done.out)
        self.assertNotIn("ping", done.out)

    def test_redirected_to_another_host(self):
        with FakeCamera(talk_basic) as there:
            with FakeCamera(talk_redirect(there.url.replace("127.0.0.1", "localhost"))) as here:
                done = fovea("probe", here.url.replace("rtsp://", f"rtsp://admin:{SECRET}@"))
        self.assertEqual(done.code, FAILED, str(done))
        self.assertRegex(done.out, "Detour +connects to ")
        self.assertRegex(done.out, "Login +Basic, none was sent to another host")
        self.assertNotIn("wrong", done.out)

    def test_silent(self):
        failure, _ = self.failure(talk_silence)
        self.assertEqual((failure["phase"], failure["error"]), ("negotiating", "timed out"))
        self.assertIn("OPTIONS", failure["reason"])

    def test_closes(self):
        self.assertEqual(self.failure(talk_close)[0]["phase"], "negotiating")

    def test_other_codec(self):
        failure, made = self.failure(talk_rtsp(SDP_VP8))
        self.assertIn("VP8", failure["reason"])
        self.assertEqual(made["session"]["streams"],
                         [{"type": "video", "encoding": "VP8", "clock_rate": 90000, "chosen": False}])
        self.assertIn("H.264 or H.265", made["advice"][0])

    def test_no_video(self):
        _, made = self.failure(talk_rtsp(SDP_AUDIO))
        self.assertEqual(made["session"]["streams"][0]["encoding"], "PCMU")

    def test_busy(self):
        failure, made = self.failure(talk_rtsp(refuse="453 Not Enough Bandwidth"))
        self.assertEqual(failure["status"], 453)
        self.assertIn("too many clients", made["advice"][0])

    def test_plays_nothing(self):
        failure, made = self.failure(talk_rtsp(SDP_H264), "--transport", "tcp") # "auto" would go on to UDP
        self.assertEqual(failure["phase"], "buffering")
        self.assertIsNotNone(made["session"]["session_ms"])
        self.assertIsNone(made["session"]["first_packet_ms"])

    def test_what_the_camera_writes_is_not_obeyed(self):
        with FakeCamera(talk_basic) as camera:
            done = fovea("probe", camera.url.replace("rtsp://", f"rtsp://admin:{SECRET}@"))
        self.assertEqual(done.code, FAILED)
        self.assertIn("Cam?2J/1", done.out.replace("??", "?")) # a control byte, Latin-1 or UTF-8
        self.assertNotIn(SECRET, done.text)
        with FakeCamera(lambda connection: talk_basic(connection, "\x1b[2J")) as camera:
            self.assertNotIn("\x1b", fovea("probe", camera.url).text)

    def test_interrupted(self):
        with FakeCamera(talk_silence) as camera:
            process = start("probe", camera.url)
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            done = finish(process, 3)
        self.assertEqual(done.code, FAILED, str(done))
        self.assertIn("Stopped", done.out)

    def test_usage(self):
        self.assert_refused(fovea("probe"), USAGE, "address")
        self.assert_refused(fovea("probe", "rtsp://a/", "rtsp://b/"), USAGE, "one address")
        done = fovea("probe", f"http://admin:{SECRET}@a/")
        self.assert_refused(done, USAGE, "rtsp://")
        self.assertNotIn(SECRET, done.text)
        self.assert_refused(fovea("probe", "rtsp://a/", "--duration", "x"), USAGE, "--duration")
        self.assertIn("Examples:", fovea("probe", "--help").out)
