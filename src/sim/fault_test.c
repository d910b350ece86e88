// SPDX-License-Identifier: Apache-2.0
/* Every fault, as a small client sees it, on a virtual clock. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "rtp/packet.h"
#include "sim/sick.h"
#include "sim/testkit.h"

/* 10 pictures a second; key pictures are 4 packets (parameter sets, then 3 fragments), others 3. */
static const struct kit_stream stream = {.pictures = 6, .gop = 3, .slice = 3000};

static struct kit_bench bench;

static void start(const char *spec)
{
    kit_bench_start(&bench, &stream, 10, &spec, 1);
    bench.session.ends.peer.in.sin_family = AF_INET;
}

/* The conversation */

enum step { OPTIONS, DESCRIBE, SETUP, PLAY, KEEPALIVE, TEARDOWN, STEPS };

/* One request of a good client. Its status, 0 without an answer; the answer stands in bench.reply. */
static unsigned take_step(enum step step)
{
    switch (step) {
    case OPTIONS:
        return kit_ask_simple(&bench, "OPTIONS", "/cam0", "");
    case DESCRIBE:
        return kit_ask_simple(&bench, "DESCRIBE", "/cam0", "");
    case SETUP:
        return kit_ask_simple(&bench, "SETUP", "/cam0/track1", KIT_TCP);
    case PLAY:
        return kit_ask_in_session(&bench, "PLAY");
    case KEEPALIVE:
        return kit_ask_in_session(&bench, "GET_PARAMETER");
    default:
        return kit_ask_in_session(&bench, "TEARDOWN");
    }
}

struct talk {
    const char *spec;
    unsigned status[STEPS];
    enum step at;         /* whose answer... */
    const char *contains; /* ...has this in it; NULL: anything */
    const char *lacks;
    enum fv_sim_end end; /* after the last step */
};

#define GOOD                                                                                       \
    {                                                                                              \
        200, 200, 200, 200, 200, 200                                                               \
    }

static const struct talk talks[] = {
    {.spec = "mute:at=connect", .status = {0}},
    {.spec = "mute:at=any,every=2", .status = {200, 0, 200, 0, 200, 0}},
    {.spec = "mute:at=options", .status = {0, 200, 200, 200, 200, 200}},
    {.spec = "mute:at=describe", .status = {200, 0, 200, 200, 200, 200}},
    {.spec = "mute:at=setup", .status = {200, 200, 0, 454, 454, 454}},
    {.spec = "mute:at=play", .status = {200, 200, 200, 0, 200, 200}},
    {.spec = "mute:at=keepalive", .status = {200, 200, 200, 200, 0, 200}},
    {.spec = "mute:at=teardown", .status = {200, 200, 200, 200, 200, 0}},
    {.spec = "mute:at=describe,cam=1", .status = GOOD},
    {.spec = "mute:at=describe,cam=0-2", .status = {200, 0, 200, 200, 200, 200}},
    {.spec = "mute:at=describe,cam=odd", .status = GOOD},
    {.spec = "mute:at=describe,cam=even", .status = {200, 0, 200, 200, 200, 200}},
    {.spec = "mute:at=describe,after=1", .status = GOOD},
    {.spec = "close:at=connect", .status = {0}, .end = FV_SIM_END_CLOSE},
    {.spec = "close:at=connect,cam=0", .status = {0}, .end = FV_SIM_END_CLOSE},
    {.spec = "close:at=describe", .status = {200}, .end = FV_SIM_END_CLOSE},
    {.spec = "close:at=setup", .status = {200, 200}, .end = FV_SIM_END_CLOSE},
    {.spec = "close:at=play", .status = {200, 200, 200}, .end = FV_SIM_END_CLOSE},
    {.spec = "reset:at=options", .status = {0}, .end = FV_SIM_END_RESET},
    {.spec = "reset:at=keepalive", .status = {200, 200, 200, 200}, .end = FV_SIM_END_RESET},
    {.spec = "refuse", .status = {200, 503, 503, 503, 503, 503}},
    {.spec = "refuse:status=401",
     .status = {200, 401, 401, 401, 401, 401},
     .at = DESCRIBE,
     .contains = "WWW-Authenticate: Digest "},
    {.spec = "refuse:status=404", .status = {200, 404, 200, 200, 200, 200}},
    {.spec = "refuse:status=453", .status = {200, 200, 453, 454, 454, 454}},
    {.spec = "refuse:status=454", .status = {200, 200, 200, 200, 454, 200}},
    {.spec = "refuse:status=461", .status = {200, 200, 461, 454, 454, 454}},
    {.spec = "refuse:status=500,at=play", .status = {200, 200, 200, 500, 200, 200}},
    {.spec = "redirect:to=cam3",
     .status = {200, 302, 200, 200, 200, 200},
     .at = DESCRIBE,
     .contains = "Location: rtsp://10.0.0.1:8554/cam3\r\n"},
    {.spec = "redirect:to=rtsp://10.0.0.2:554/cam1",
     .status = {200, 302, 200, 200, 200, 200},
     .at = DESCRIBE,
     .contains = "Location: rtsp://10.0.0.2:554/cam1\r\n"},
    {.spec = "redirect-loop",
     .status = {200, 302, 200, 200, 200, 200},
     .at = DESCRIBE,
     .contains = "Location: rtsp://10.0.0.1:8554/cam0?hop=1\r\n"},
    {.spec = "wrong-session", .status = GOOD, .at = SETUP, .contains = "Session: 0badcafe\r\n"},
    {.spec = "wrong-cseq", .status = GOOD, .at = OPTIONS, .contains = "\r\nCSeq: 16\r\n"},
    {.spec = "no-cseq",
     .status = GOOD,
     .at = DESCRIBE,
     .contains = "200 OK\r\nServer: ",
     .lacks = "CSeq"},
    {.spec = "bad-length",
     .status = GOOD,
     .at = DESCRIBE,
     .contains = "Content-Length: 999999\r\n\r\nv=0"},
    {.spec = "bad-length:value=negative",
     .status = GOOD,
     .at = DESCRIBE,
     .contains = "Content-Length: -1\r\n\r\nv=0"},
    {.spec = "wrong-rtp-info",
     .status = GOOD,
     .at = PLAY,
     .contains = "/cam0/track1;seq=0;rtptime=0\r\n"},
    {.spec = "other-channel", .status = GOOD, .at = SETUP, .contains = ";interleaved=14-15\r\n"},
    {.spec = "junk-answer", .at = OPTIONS, .status = {0}, .contains = "\xa5\xa5\xa5\r\n\xff"},
    {.spec = "sdp:variant=no-fmtp", .status = GOOD, .at = DESCRIBE, .lacks = "a=fmtp:"},
    {.spec = "sdp:variant=no-rtpmap", .status = GOOD, .at = DESCRIBE, .lacks = "a=rtpmap:"},
    {.spec = "sdp:variant=no-control", .status = GOOD, .at = DESCRIBE, .lacks = "a=control:"},
    {.spec = "sdp:variant=absolute",
     .status = GOOD,
     .at = DESCRIBE,
     .contains = "a=control:rtsp://10.0.0.1:8554/cam0/track1\r\n"},
    {.spec = "sdp:variant=no-sprop",
     .status = GOOD,
     .at = DESCRIBE,
     .contains = "a=fmtp:96 packetization-mode=1;",
     .lacks = "sprop-parameter-sets"},
    {.spec = "sdp:variant=bare-lf", .status = GOOD, .at = DESCRIBE, .contains = "\r\n\r\nv=0\no=-"},
    {.spec = "sdp:variant=no-video", .status = GOOD, .at = DESCRIBE, .lacks = "m=video"},
    {.spec = "sdp:variant=empty", .status = GOOD, .at = DESCRIBE, .lacks = "v=0"},
};

static void check_talk(const struct talk *talk)
{
    bool all = false; /* every step got an answer or was expected to get none */
    for (enum step step = OPTIONS; step < STEPS; step++) {
        const unsigned status = take_step(step);
        if (status != talk->status[step])
            fail_msg("%s: step %d: %u instead of %u", talk->spec, (int)step, status,
                     talk->status[step]);
        if (step != talk->at)
            continue;
        if (talk->contains && !strstr(bench.reply, talk->contains))
            fail_msg("%s: nothing like '%s' in: %s", talk->spec, talk->contains, bench.reply);
        if (talk->lacks && strstr(bench.reply, talk->lacks))
            fail_msg("%s: '%s' in: %s", talk->spec, talk->lacks, bench.reply);
        all = true;
    }
    assert_true(all);
    if (fv_sim_session_end(&bench.session) != talk->end)
        fail_msg("%s: ended %d", talk->spec, (int)fv_sim_session_end(&bench.session));
}

static void the_conversation_goes_wrong(void **state)
{
    for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++) {
        start(talks[i].spec);
        check_talk(&talks[i]);
        kit_bench_finish(&bench);
    }
}

/* The stream */

struct seen {
    unsigned rtp, rtcp, keys, markers;
    unsigned missing, again, back; /* sequence numbers: left out, repeated, behind an earlier one */
    unsigned ssrcs, jumps;         /* changes of SSRC; steps of more than 1 s between timestamps */
    unsigned junk, foreign;        /* bytes outside of frames; packets on other channels */
    unsigned versions, paddings;   /* packets with a wrong version, with the padding bit */
    unsigned byes;
    uint32_t ntp; /* seconds of the last sender report */
    uint32_t last_ssrc, last_ts, smallest_ts;
    uint16_t last_seq;
    unsigned others; /* slices of another size than the camera's */
    int64_t longest; /* ns between two packets (UDP) */
};

static void see_sequence(struct seen *seen, uint16_t seq)
{
    const int16_t step = (int16_t)(seq - seen->last_seq);
    if (seen->rtp && step > 1)
        seen->missing += (unsigned)step - 1;
    seen->again += seen->rtp && step == 0;
    seen->back += seen->rtp && step < 0;
    seen->last_seq = seq;
}

static void see_payload(struct seen *seen, const uint8_t *data, size_t size)
{
    const unsigned kind = data[0] & 0x1f;
    seen->keys += kind == 28 && (data[1] & 0x9f) == 0x85; /* first fragment of an IDR slice */
    seen->others += kind == 1;                            /* a slice that fits into one packet */
}

static void see_rtp(struct seen *seen, const uint8_t *data, size_t size)
{
    assert_true(size > 14);
    const uint32_t ts = fv_get32(data + 4), ssrc = fv_get32(data + 8);
    see_sequence(seen, fv_get16(data + 2));
    if (seen->rtp) {
        const int32_t step = (int32_t)(ts - seen->last_ts);
        seen->jumps += step > 90000 || step < -90000;
        seen->ssrcs += ssrc != seen->last_ssrc;
    }
    if (!seen->rtp || ts < seen->smallest_ts)
        seen->smallest_ts = ts;
    seen->versions += data[0] >> 6 != 2;
    seen->paddings += data[0] >> 5 & 1;
    seen->markers += data[1] >> 7;
    seen->last_ts = ts;
    seen->last_ssrc = ssrc;
    seen->rtp++;
    see_payload(seen, data + 12, size - 12);
}

static void see_rtcp(struct seen *seen, const uint8_t *data, size_t size)
{
    assert_int_equal(data[1], 200);
    seen->rtcp++;
    seen->ntp = fv_get32(data + 8);
    for (size_t at = 0; at < size; at += 4u + 4u * fv_get16(data + at + 2))
        seen->byes += data[at + 1] == 203;
}

/* Interleaved frames on channels 4 and 5; what is no frame is junk. */
static struct seen look_at_bytes(void)
{
    struct seen seen = {0};
    for (size_t at = 0; at < bench.sent_size;) {
        const uint8_t *frame = bench.sent + at;
        if (frame[0] != '$') {
            seen.junk++;
            at++;
            continue;
        }
        const size_t size = fv_get16(frame + 2);
        assert_true(at + 4 + size <= bench.sent_size);
        if (frame[1] == 5)
            see_rtcp(&seen, frame + 4, size);
        else
            see_rtp(&seen, frame + 4, size);
        seen.foreign += frame[1] != 4 && frame[1] != 5;
        at += 4 + size;
    }
    return seen;
}

static struct seen look_at_datagrams(void)
{
    struct seen seen = {0};
    int64_t last = bench.datagrams[0].when;
    for (unsigned i = 0; i < bench.datagram_count; i++) {
        const struct kit_datagram *datagram = &bench.datagrams[i];
        const uint8_t *data = bench.sent + datagram->at;
        if (datagram->rtcp) {
            see_rtcp(&seen, data, datagram->size);
            continue;
        }
        if (data[0] == 0xa5)
            seen.junk += (unsigned)datagram->size;
        else
            see_rtp(&seen, data, datagram->size);
        seen.longest = fv_max64(seen.longest, datagram->when - last);
        last = datagram->when;
    }
    return seen;
}

/* Ranges, both ends included; {0, 0}: none at all. */
struct range {
    unsigned low, high;
};

struct play {
    const char *spec;
    const char *transport; /* NULL: both */
    /* within 10 s */
    struct range rtp, rtcp, keys, markers, missing, again, back, ssrcs, jumps, junk, foreign,
        versions, paddings, byes, others;
};

/* 100 pictures, every third one a key picture; reports at 0.5 and 5.5 s. */
#define USUAL .rtp = {334, 334}, .rtcp = {2, 2}, .keys = {34, 34}, .markers = {100, 100}

/* A round of the clip is 6 pictures of 4, 3, 3, 4, 3, 3 packets: every tenth packet ends a picture
 * before a key picture. */
static const struct play plays[] = {
    {"loss:probability=0.5,cam=1", NULL, USUAL},
    {"mute", NULL},
    {"mute:at=rtp", NULL, .rtcp = {2, 2}},
    {"mute:after=3", NULL, .rtp = {100, 100}, .rtcp = {1, 1}, .keys = {10, 10},
     .markers = {30, 30}},
    {"mute:at=rtp,after=3,for=3", NULL, .rtp = {234, 234}, .rtcp = {2, 2}, .keys = {24, 24},
     .markers = {70, 70}, .missing = {100, 100}, .jumps = {1, 1}},
    {"loss:every=10", NULL, .rtp = {301, 301}, .rtcp = {2, 2}, .keys = {34, 34},
     .markers = {67, 67}, .missing = {33, 33}},
    {"loss:probability=0.1,burst=3", NULL, .rtp = {200, 300}, .rtcp = {2, 2}, .keys = {15, 33},
     .markers = {50, 95}, .missing = {34, 134}},
    {"duplicate:every=10", NULL, .rtp = {367, 367}, .rtcp = {2, 2}, .keys = {34, 34},
     .markers = {133, 133}, .again = {33, 33}},
    /* the next two packets come 33 and 58 ms after the late one was due */
    {"reorder:every=10,ms=60", NULL, USUAL, .missing = {99, 99}, .back = {33, 33}},
    /* not all have come at the end */
    {"jitter:ms=100", NULL, .rtp = {329, 334}, .rtcp = {2, 2}, .keys = {33, 34},
     .markers = {98, 100}},
    {"freeze:after=2,ms=500", NULL, USUAL},
    {"garbage:every=10,size=5", NULL, USUAL, .junk = {165, 165}},
    {"bad-version:every=10", NULL, USUAL, .versions = {33, 33}},
    {"bad-padding:every=10", NULL, USUAL, .paddings = {33, 33}},
    {"no-marker", NULL, .rtp = {334, 334}, .rtcp = {2, 2}, .keys = {34, 34}},
    {"wrong-channel:every=10", KIT_TCP, USUAL, .foreign = {33, 33}},
    {"seq-jump:after=2", NULL, USUAL, .missing = {1000, 1000}},
    {"seq-jump:after=2,by=-100", NULL, USUAL, .back = {1, 1}},
    {"seq-repeat:after=2", NULL, USUAL, .again = {1, 1}},
    {"ts-jump:after=2", NULL, USUAL, .jumps = {1, 1}},
    {"ts-jump:after=2,by=-30", NULL, USUAL, .jumps = {1, 1}},
    {"ts-jump:every=10", NULL, USUAL, .jumps = {9, 9}},
    {"ts-reset:after=2", NULL, USUAL, .jumps = {1, 1}},
    {"ssrc-change:after=2", NULL, USUAL, .ssrcs = {1, 1}},
    {"no-key", NULL, .rtp = {198, 198}, .rtcp = {2, 2}, .markers = {66, 66}},
    {"no-key:for=5", NULL, .rtp = {266, 266}, .rtcp = {2, 2}, .keys = {17, 17},
     .markers = {83, 83}},
    {"long-gop:gop=5", NULL, .rtp = {206, 206}, .rtcp = {2, 2}, .keys = {2, 2},
     .markers = {68, 68}},
    /* the other clip's pictures are 2 packets (parameter sets, slice) and 1 */
    {"size-change:after=5", NULL, .rtp = {234, 234}, .rtcp = {2, 2}, .keys = {17, 17},
     .markers = {100, 100}, .others = {33, 33}},
    {"bye:after=2", NULL, .rtp = {334, 334}, .rtcp = {3, 3}, .keys = {34, 34},
     .markers = {100, 100}, .byes = {1, 1}},
    {"slow:rate=1000", KIT_TCP, USUAL},
    {"split:size=10", KIT_TCP, USUAL},
    {"merge:ms=200", KIT_TCP, .rtp = {327, 334}, .rtcp = {2, 2}, .keys = {33, 34},
     .markers = {98, 100}},
};

static void check_range(const char *spec, const char *what, unsigned value, struct range range)
{
    if (value < range.low || value > range.high)
        fail_msg("%s: %s: %u is not %u..%u", spec, what, value, range.low, range.high);
}

static void check_play(const struct play *play, const struct seen *seen)
{
#define CHECK(field) check_range(play->spec, #field, seen->field, play->field)
    CHECK(rtp);
    CHECK(rtcp);
    CHECK(keys);
    CHECK(markers);
    CHECK(missing);
    CHECK(again);
    CHECK(back);
    CHECK(ssrcs);
    CHECK(jumps);
    CHECK(junk);
    CHECK(foreign);
    CHECK(versions);
    CHECK(paddings);
    CHECK(byes);
    CHECK(others);
#undef CHECK
}

static void play_ten_seconds(const struct play *play, bool udp)
{
    const struct kit_stream small = {.pictures = 6, .gop = 3, .slice = 900};
    struct fv_clip *other = kit_clip(&small, 10);
    const struct fv_clip *clips[2];
    start(play->spec);
    clips[0] = bench.clip;
    clips[1] = other;
    bench.site.clips = clips;
    bench.site.clip_count = 2;
    kit_play(&bench, udp ? KIT_UDP : KIT_TCP);
    kit_run(&bench, 10 * FV_S);
    const struct seen seen = udp ? look_at_datagrams() : look_at_bytes();
    check_play(play, &seen);
    kit_bench_finish(&bench);
    fv_clip_destroy(other);
}

static void the_stream_goes_wrong(void **state)
{
    for (size_t i = 0; i < sizeof(plays) / sizeof(*plays); i++) {
        if (!plays[i].transport || !strcmp(plays[i].transport, KIT_TCP))
            play_ten_seconds(&plays[i], false);
        if (!plays[i].transport || !strcmp(plays[i].transport, KIT_UDP))
            play_ten_seconds(&plays[i], true);
    }
}

static bool is_of(const char *spec, const struct fv_sim_fault *fault)
{
    const size_t size = strlen(fault->name);
    return !strncmp(spec, fault->name, size) && (!spec[size] || spec[size] == ':');
}

/* A new fault needs a row in one of the tables above, or a test in sick_test.c. */
static void no_fault_is_untested(void **state)
{
    static const char *const elsewhere[] = {"stale-data", "wrong-clock"};
    const struct fv_sim_fault *fault;
    for (unsigned n = 0; (fault = fv_sim_fault_at(n)); n++) {
        bool found = false;
        for (size_t i = 0; i < sizeof(talks) / sizeof(*talks); i++)
            found |= is_of(talks[i].spec, fault);
        for (size_t i = 0; i < sizeof(plays) / sizeof(*plays); i++)
            found |= is_of(plays[i].spec, fault);
        for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
            found |= is_of(elsewhere[i], fault);
        if (!found)
            fail_msg("%s has no test", fault->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_conversation_goes_wrong),
        cmocka_unit_test(the_stream_goes_wrong),
        cmocka_unit_test(no_fault_is_untested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
