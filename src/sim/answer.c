// SPDX-License-Identifier: Apache-2.0
#include "sim/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "sim/sdp.h"
#include "sim/sick.h"
#include "sim/status.h"

#define URI_MAX 1000
#define PUBLIC "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"

/* A request on its way to its response. */
struct call {
    struct fv_sim_session *session;
    const struct fv_rtsp_message *request;
    int64_t now;
    struct fv_slice base; /* of the URI: "rtsp://host:port" */
    unsigned camera;      /* that the URI names */
    struct fv_str headers, body;
    char headers_text[4096], body_text[24 << 10];
};

struct method {
    const char *name;
    unsigned (*run)(struct call *call); /* returns the status */
    bool open;                          /* needs neither credentials nor a camera */
    bool needs_session;                 /* else a Session header is checked when there is one */
};

/* May be repeated in a response. */
static bool is_printable(struct fv_slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return true;
}

/* "rtsp://host:port/camN", "/camN/" or "/camN/track1", query ignored; rtsps too. 0, -EINVAL (no
 * absolute address), -ENOENT. */
static int parse_uri(struct call *call)
{
    const struct fv_slice scheme = FV_SLICE("rtsp://"), secure = FV_SLICE("rtsps://");
    struct fv_slice rest = call->request->uri;
    uint64_t number;
    const size_t start = fv_slice_starts_nocase(rest, scheme)   ? scheme.size
                         : fv_slice_starts_nocase(rest, secure) ? secure.size
                                                                : 0;
    if (!start || !is_printable(rest))
        return -EINVAL;
    const char *slash = memchr(rest.data + start, '/', rest.size - start);
    size_t base = slash ? (size_t)(slash - rest.data) : rest.size;
    call->base = (struct fv_slice){rest.data, base};
    rest = (struct fv_slice){rest.data + base, rest.size - base};
    rest = fv_slice_cut(&rest, '?');
    if (!fv_slice_starts_nocase(rest, FV_SLICE("/cam")))
        return -ENOENT;
    rest = (struct fv_slice){rest.data + 4, rest.size - 4};
    struct fv_slice digits = fv_slice_cut(&rest, '/');
    if (digits.size > 4 || fv_slice_u64(digits, call->session->site->camera_count - 1, &number) < 0)
        return -ENOENT;
    if (rest.size && !fv_slice_eq(rest, FV_SLICE(FV_SIM_TRACK)))
        return -ENOENT;
    call->camera = (unsigned)number;
    return 0;
}

static void add_session(struct call *call)
{
    fv_str_addf(&call->headers, "Session: %s;timeout=%d\r\n", call->session->id,
                (int)(FV_SIM_TIMEOUT / FV_S));
}

static unsigned on_options(struct call *call)
{
    fv_str_add(&call->headers, "Public: " PUBLIC "\r\n");
    return 200;
}

static bool accepts_sdp(struct fv_slice accept)
{
    if (!accept.data)
        return true;
    while (accept.size) {
        struct fv_slice range = fv_slice_cut(&accept, ',');
        range = fv_slice_trim(fv_slice_cut(&range, ';'));
        if (fv_slice_eq_nocase(range, FV_SLICE("application/sdp")) ||
            fv_slice_eq(range, FV_SLICE("*/*")) ||
            fv_slice_eq_nocase(range, FV_SLICE("application/*")))
            return true;
    }
    return false;
}

static unsigned on_describe(struct call *call)
{
    if (!accepts_sdp(fv_rtsp_find(call->request, "Accept")))
        return 406;
    fv_sim_sdp(call->session->site->cameras[call->camera].clip, call->camera, &call->body);
    if (call->session->sick)
        fv_sim_sick_description(call->session, call->base, call->now, &call->body);
    fv_str_add(&call->headers, "Content-Base: ");
    fv_str_add_slice(&call->headers, call->base);
    fv_str_addf(&call->headers, "/cam%u/\r\nContent-Type: application/sdp\r\n", call->camera);
    return 200;
}

static void new_session(struct fv_sim_session *session, const struct fv_sim_camera *camera)
{
    struct fv_rand *rand = &session->site->rand;
    snprintf(session->id, sizeof(session->id), "%016llx", (unsigned long long)fv_rand_u64(rand));
    session->ssrc = (uint32_t)fv_rand_u64(rand);
    session->camera = camera;
    session->started = false;
    session->packets = session->octets = 0;
}

/* Ports of the client at the address where its connection comes from. */
static struct fv_addr address_of(const struct fv_sim_session *session, uint16_t port)
{
    struct fv_addr addr = session->ends.peer;
    if (addr.sa.sa_family == AF_INET6)
        addr.in6.sin6_port = htons(port);
    else
        addr.in.sin_port = htons(port);
    return addr;
}

static void set_route(struct fv_sim_session *session, const struct fv_sim_route *route)
{
    session->route = *route;
    session->route.ssrc = session->ssrc;
    session->route.source = session->ends.local;
    for (int i = 0; i < 2; i++) {
        session->route.server_ports[i] = session->site->udp_ports[i];
        session->to[i] = address_of(session, route->client_ports[i]);
    }
}

static unsigned on_setup(struct call *call)
{
    struct fv_sim_session *session = call->session;
    const struct fv_sim_camera *camera = &session->site->cameras[call->camera];
    const unsigned via = session->site->via;
    struct fv_sim_route route;
    if (session->state == FV_SIM_PLAYING)
        return 455;
    if (session->state == FV_SIM_READY && session->camera != camera)
        return 459;
    if (fv_sim_transport_choose(fv_rtsp_find(call->request, "Transport"), via, &route) < 0)
        return 461;
    if (session->state == FV_SIM_INIT)
        new_session(session, camera);
    set_route(session, &route);
    session->state = FV_SIM_READY;
    add_session(call);
    fv_str_addf(&call->headers, "Transport: %s", route.transport->profile);
    route.transport->answer(&session->route, &call->headers);
    fv_str_add(&call->headers, "\r\n");
    return 200;
}

static unsigned on_play(struct call *call)
{
    struct fv_sim_session *session = call->session;
    struct fv_sim_timeline_packet packet;
    if (session->state != FV_SIM_PLAYING)
        fv_sim_session_play(session, call->now);
    fv_sim_timeline_peek(&session->timeline, &packet);
    add_session(call);
    fv_str_add(&call->headers, "Range: npt=now-\r\nRTP-Info: url=");
    fv_str_add_slice(&call->headers, call->base);
    fv_str_addf(&call->headers, "/cam%u/" FV_SIM_TRACK ";seq=%u;rtptime=%u\r\n", call->camera,
                packet.seq, packet.timestamp);
    return 200;
}

static unsigned on_pause(struct call *call)
{
    if (call->session->state == FV_SIM_PLAYING)
        call->session->state = FV_SIM_READY;
    add_session(call);
    return 200;
}

static unsigned on_parameter(struct call *call)
{
    if (call->session->state != FV_SIM_INIT)
        add_session(call);
    return 200;
}

static unsigned on_teardown(struct call *call)
{
    call->session->state = FV_SIM_INIT;
    return 200;
}

static const struct method methods[] = {
    {.name = "OPTIONS", .run = on_options, .open = true},
    {.name = "DESCRIBE", .run = on_describe},
    {.name = "SETUP", .run = on_setup},
    {.name = "PLAY", .run = on_play, .needs_session = true},
    {.name = "PAUSE", .run = on_pause, .needs_session = true},
    {.name = "GET_PARAMETER", .run = on_parameter},
    {.name = "SET_PARAMETER", .run = on_parameter},
    {.name = "TEARDOWN", .run = on_teardown, .needs_session = true},
};

static const struct method *find_method(struct fv_slice name)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (fv_slice_eq(name, fv_slice_of(methods[i].name)))
            return &methods[i];
    return NULL;
}

/* 0 when the Session header fits the state, else the status. */
static unsigned check_session(const struct call *call, const struct method *method)
{
    const struct fv_sim_session *session = call->session;
    struct fv_slice id = fv_rtsp_find(call->request, "Session");
    const bool named = id.data != NULL;
    id = fv_slice_trim(fv_slice_cut(&id, ';'));
    if (session->state == FV_SIM_INIT)
        return named ? 454 : method->needs_session ? 455 : 0;
    if (named ? !fv_slice_eq(id, fv_slice_of(session->id)) : method->needs_session)
        return 454;
    const struct fv_sim_camera *camera = &session->site->cameras[call->camera];
    return method->needs_session && session->camera != camera ? 404 : 0;
}

static unsigned run_method(struct call *call, const struct method *method)
{
    const struct fv_sim_session *session = call->session;
    if (method->open)
        return method->run(call);
    if (fv_sim_auth_check(&session->site->auth, session->nonce, call->request) < 0) {
        fv_sim_auth_challenge(session->nonce, &call->headers);
        return 401;
    }
    int rc = parse_uri(call);
    if (rc < 0)
        return rc == -EINVAL ? 400 : 404;
    unsigned refused = check_session(call, method);
    return refused ? refused : method->run(call);
}

static unsigned dispatch(struct call *call)
{
    const struct fv_rtsp_message *request = call->request;
    struct fv_slice require = fv_rtsp_find(request, "Require");
    if (request->uri.size > URI_MAX)
        return 414;
    const struct method *method = find_method(request->method);
    if (!method) {
        fv_str_add(&call->headers, "Public: " PUBLIC "\r\nAllow: " PUBLIC "\r\n");
        return 501;
    }
    if (require.size) {
        fv_str_add(&call->headers, "Unsupported: ");
        fv_str_add_slice(&call->headers, is_printable(require) ? require : FV_SLICE("unreadable"));
        fv_str_add(&call->headers, "\r\n");
        return 551;
    }
    return run_method(call, method);
}

static int respond(struct call *call, unsigned status, const uint64_t *cseq)
{
    char text[sizeof(call->headers_text) + sizeof(call->body_text) + 512];
    struct fv_str out;
    if (call->headers.overflow || call->body.overflow) {
        status = 500;
        fv_str_init(&call->headers, call->headers_text, sizeof(call->headers_text));
        fv_str_init(&call->body, call->body_text, sizeof(call->body_text));
    }
    fv_str_init(&out, text, sizeof(text));
    fv_str_addf(&out, "RTSP/1.0 %u %s\r\n", status, fv_sim_reason(status));
    if (cseq)
        fv_str_addf(&out, "CSeq: %llu\r\n", (unsigned long long)*cseq);
    fv_str_add(&out, "Server: fovea-sim\r\n");
    fv_str_add(&out, call->headers.data);
    if (call->body.size)
        fv_str_addf(&out, "Content-Length: %zu\r\n", call->body.size);
    fv_str_add(&out, "\r\n");
    fv_str_add(&out, call->body.data);
    if (call->session->sick && call->request)
        fv_sim_sick_answer(call->session, call->request->method, call->now, &out);
    return out.overflow ? -ENOBUFS : fv_sim_session_put(call->session, out.data, out.size);
}

static void call_init(struct call *call, struct fv_sim_session *session)
{
    call->session = session;
    fv_str_init(&call->headers, call->headers_text, sizeof(call->headers_text));
    fv_str_init(&call->body, call->body_text, sizeof(call->body_text));
}

/* "camN", at this server, or a whole address. */
static void add_location(struct call *call, const struct fv_sim_verdict *verdict)
{
    fv_str_add(&call->headers, "Location: ");
    if (verdict->same_camera || !strstr(verdict->location, "://")) {
        fv_str_add_slice(&call->headers, call->base);
        fv_str_add(&call->headers, "/");
    }
    if (verdict->same_camera)
        fv_str_addf(&call->headers, "cam%u", call->camera);
    else
        fv_str_add(&call->headers, verdict->location);
    if (verdict->hop)
        fv_str_addf(&call->headers, "?hop=%u", verdict->hop);
    fv_str_add(&call->headers, "\r\n");
}

static int carry_out(struct call *call, const struct fv_sim_verdict *verdict, const uint64_t *cseq)
{
    struct fv_sim_session *session = call->session;
    switch (verdict->act) {
    case FV_SIM_CLOSE:
    case FV_SIM_RESET:
        session->sick->end = verdict->act == FV_SIM_CLOSE ? FV_SIM_END_CLOSE : FV_SIM_END_RESET;
        return 0;
    case FV_SIM_REFUSE:
        if (verdict->status == 401)
            fv_sim_auth_challenge(session->nonce, &call->headers);
        if (verdict->location || verdict->same_camera)
            add_location(call, verdict);
        return respond(call, verdict->status, cseq);
    default:
        return 0;
    }
}

/* Asks the faults. True: one of them has taken the request over; *ret_rc is the result. */
static bool ask_faults(struct call *call, const uint64_t *cseq, int *ret_rc)
{
    struct fv_sim_session *session = call->session;
    struct fv_sim_verdict verdict = {0};
    if (parse_uri(call) == 0)
        fv_sim_sick_meet(session, call->camera, call->now);
    if (!session->sick)
        return false;
    const bool taken = session->sick->deaf || session->sick->end ||
                       fv_sim_sick_request(session, call->request->method, call->now, &verdict);
    *ret_rc = taken ? carry_out(call, &verdict, cseq) : 0;
    return taken;
}

int fv_sim_answer(struct fv_sim_session *session, const struct fv_rtsp_message *request,
                  int64_t now)
{
    struct call call = {.request = request, .now = now};
    uint64_t cseq;
    int rc;
    call_init(&call, session);
    if (fv_slice_u64(fv_rtsp_find(request, "CSeq"), UINT32_MAX, &cseq) < 0)
        return respond(&call, 400, NULL);
    if (session->sick && ask_faults(&call, &cseq, &rc))
        return rc;
    return respond(&call, dispatch(&call), &cseq);
}

int fv_sim_answer_garbage(struct fv_sim_session *session)
{
    struct call call = {0};
    call_init(&call, session);
    return respond(&call, 400, NULL);
}
