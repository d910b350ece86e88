// SPDX-License-Identifier: Apache-2.0
/* Faults inside answers: wrong headers, odd descriptions, bytes that do not belong there. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "rtp/packet.h"
#include "sim/answer.h"
#include "sim/sdp.h"
#include "sim/sick.h"

#define EDIT_MAX (32u << 10) /* what stands behind an edited place */

/* Replaces `size` bytes at `at` by `with`. */
static void splice(struct fv_str *text, size_t at, size_t size, const char *with)
{
    char rest[EDIT_MAX];
    if (fv_slice_copy((struct fv_slice){text->data + at + size, text->size - at - size}, rest,
                      sizeof(rest)) < 0)
        return;
    text->size = at;
    text->data[at] = '\0';
    fv_str_add(text, with);
    fv_str_add(text, rest);
}

/* The value of a header of an answer; it ends before the line break. False: there is none. */
static bool find_value(const struct fv_str *text, const char *name, struct fv_slice *ret_value)
{
    char start[64];
    snprintf(start, sizeof(start), "\r\n%s: ", name);
    const char *line = strstr(text->data, start);
    const char *head_end = strstr(text->data, "\r\n\r\n");
    if (!line || !head_end || line >= head_end)
        return false;
    ret_value->data = line + strlen(start);
    ret_value->size = (size_t)(strstr(ret_value->data, "\r\n") - ret_value->data);
    return true;
}

static void set_value(struct fv_str *text, struct fv_slice value, const char *with)
{
    splice(text, (size_t)(value.data - text->data), value.size, with);
}

static void wrong_session_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    struct fv_slice value;
    if (find_value(text, "Session", &value) && fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        set_value(text, value, "0badcafe");
}

static void wrong_cseq_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    struct fv_slice value;
    char number[24];
    if (!find_value(text, "CSeq", &value) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return;
    snprintf(number, sizeof(number), "%ld", strtol(value.data, NULL, 10) + (long)c->spec->own[0]);
    set_value(text, value, number);
}

static void no_cseq_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    struct fv_slice value;
    if (!find_value(text, "CSeq", &value) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return;
    const size_t name = sizeof("CSeq: ") - 1, end = sizeof("\r\n") - 1;
    splice(text, (size_t)(value.data - text->data) - name, name + value.size + end, "");
}

static void bad_length_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    /* in the order of the choices */
    static const char *const values[] = {"999999", "10", "-1", "abc", "99999999999999999999"};
    struct fv_slice value;
    if (find_value(text, "Content-Length", &value) && fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        set_value(text, value, values[(unsigned)c->spec->own[0]]);
}

static void wrong_info_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    struct fv_slice value;
    if (!find_value(text, "RTP-Info", &value) || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return;
    const char *numbers = memmem(value.data, value.size, ";seq=", 5);
    if (!numbers)
        return;
    value.size -= (size_t)(numbers - value.data);
    value.data = numbers;
    set_value(text, value, ";seq=0;rtptime=0");
}

/* The server numbers the channels itself and keeps to it: legal, but not what was asked for. */
static void other_channel_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    struct fv_sim_route *route = &c->session->route;
    struct fv_slice value;
    char channels[64];
    if (!fv_slice_eq(method, FV_SLICE("SETUP")) || !find_value(text, "Transport", &value) ||
        route->transport->datagrams || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return;
    route->rtp_channel = (uint8_t)(route->rtp_channel + 10);
    route->rtcp_channel = (uint8_t)(route->rtcp_channel + 10);
    snprintf(channels, sizeof(channels), "RTP/AVP/TCP;unicast;interleaved=%u-%u",
             route->rtp_channel, route->rtcp_channel);
    set_value(text, value, channels);
}

/* One frame of a stream that ended before. */
static void stale_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    struct fv_sim_session *session = c->session;
    uint8_t frame[FV_SIM_HEADER_MAX + 20] = {0};
    if (!fv_slice_eq(method, FV_SLICE("PLAY")) || !session->route.transport ||
        session->route.transport->datagrams || !fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return;
    const struct fv_sim_route *route = &session->route;
    for (unsigned i = 0; i < (unsigned)c->spec->own[0]; i++) {
        size_t framing = route->transport->frame(route, false, 12 + 20, frame);
        fv_rtp_write_header(frame + framing, false, FV_SIM_PAYLOAD_TYPE, (uint16_t)(40000 + i),
                            90000, ~session->ssrc);
        frame[framing + 12] = 0x41; /* a slice of a picture that refers to others */
        (void)fv_sim_session_put(session, frame, framing + 12 + 20);
    }
}

static void junk_answer(struct fv_sim_case *c, struct fv_slice method, struct fv_str *text)
{
    static const uint8_t junk[] = {0xa5, 0xa5, 0xa5, 0x0d, 0x0a, 0xff, 0x00, 0xa5};
    if (fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        (void)fv_sim_session_put(c->session, junk, sizeof(junk));
}

/* sdp */

enum variant { NO_FMTP, NO_RTPMAP, NO_CONTROL, ABSOLUTE, NO_SPROP, BARE_LF, NO_VIDEO, EMPTY };
#define VARIANTS "no-fmtp no-rtpmap no-control absolute no-sprop bare-lf no-video empty"

static void remove_lines(struct fv_str *sdp, const char *start)
{
    const char *found, *end;
    size_t before = SIZE_MAX;
    while (sdp->size < before && (found = strstr(sdp->data, start)) &&
           (end = strchr(found, '\n'))) {
        before = sdp->size;
        splice(sdp, (size_t)(found - sdp->data), (size_t)(end - found) + 1, "");
    }
}

static void replace_once(struct fv_str *sdp, const char *what, const char *with)
{
    const char *found = strstr(sdp->data, what);
    if (found)
        splice(sdp, (size_t)(found - sdp->data), strlen(what), with);
}

static void absolute_control(const struct fv_sim_case *c, struct fv_slice base, struct fv_str *sdp)
{
    char text[2000];
    struct fv_str line;
    fv_str_init(&line, text, sizeof(text));
    fv_str_add(&line, "a=control:");
    fv_str_add_slice(&line, base);
    fv_str_addf(&line, "/cam%u/" FV_SIM_TRACK, c->session->sick->camera);
    replace_once(sdp, "a=control:" FV_SIM_TRACK, text);
}

static void bare_lf(struct fv_str *sdp)
{
    size_t to = 0;
    for (size_t from = 0; from < sdp->size; from++)
        if (sdp->data[from] != '\r')
            sdp->data[to++] = sdp->data[from];
    sdp->data[to] = '\0';
    sdp->size = to;
}

static void odd_sdp(struct fv_sim_case *c, struct fv_slice base, struct fv_str *sdp)
{
    if (!fv_sim_strikes(c, FV_SIM_SINCE_CONNECT))
        return;
    switch ((enum variant)c->spec->own[0]) {
    case NO_FMTP:
        remove_lines(sdp, "a=fmtp:");
        break;
    case NO_RTPMAP:
        remove_lines(sdp, "a=rtpmap:");
        break;
    case NO_CONTROL:
        remove_lines(sdp, "a=control:");
        break;
    case ABSOLUTE:
        absolute_control(c, base, sdp);
        break;
    case NO_SPROP:
        replace_once(sdp, "sprop-", "x-");
        break;
    case BARE_LF:
        bare_lf(sdp);
        break;
    case NO_VIDEO:
        replace_once(sdp, "m=video", "m=application");
        break;
    case EMPTY:
        splice(sdp, 0, sdp->size, "");
        break;
    }
}

static const struct fv_sim_fault list[] = {
    {.name = "wrong-session",
     .help = "answers name another session than the server's",
     .answer = wrong_session_answer},
    {.name = "wrong-cseq",
     .help = "answers have a wrong CSeq",
     .keys =
         {{.name = "by", .preset = 7, .low = -1000, .high = 1e6, .help = "added to the right one"}},
     .answer = wrong_cseq_answer},
    {.name = "no-cseq", .help = "answers have no CSeq", .answer = no_cseq_answer},
    {.name = "bad-length",
     .help = "the description's Content-Length is wrong",
     .keys = {{.name = "value",
               .kind = FV_SIM_KEY_CHOICE,
               .choices = "large small negative text huge",
               .help = "999999, 10, -1, abc, 99999999999999999999"}},
     .answer = bad_length_answer},
    {.name = "wrong-rtp-info",
     .help = "RTP-Info says seq=0;rtptime=0",
     .answer = wrong_info_answer},
    {.name = "other-channel",
     .help = "TCP: SETUP is answered with other channels than asked for, which are then used",
     .answer = other_channel_answer},
    {.name = "stale-data",
     .help = "TCP: frames of an earlier stream before the answer to PLAY",
     .keys = {{.name = "frames", .preset = 5, .low = 1, .high = 100, .help = "how many"}},
     .answer = stale_answer},
    {.name = "junk-answer", .help = "8 bytes of garbage before answers", .answer = junk_answer},
    {.name = "sdp",
     .help = "an odd description",
     .keys = {{.name = "variant",
               .kind = FV_SIM_KEY_CHOICE,
               .choices = VARIANTS,
               .help = "lines left out, an absolute track address, no parameter sets, line ends, "
                       "no video, nothing"}},
     .description = odd_sdp},
};

const struct fv_sim_faults fv_sim_faults_answer = {list, sizeof(list) / sizeof(*list)};
