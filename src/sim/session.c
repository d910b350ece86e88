// SPDX-License-Identifier: Apache-2.0
#include "sim/session.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/mem.h"
#include "sim/answer.h"
#include "sim/sick.h"

#define INPUT_START 2048
#define OUTPUT_START 4096
#define REPORT_FIRST (500 * FV_MS)

int fv_sim_session_init(struct fv_sim_session *session, struct fv_sim_site *site, int64_t now)
{
    uint8_t random[16];
    *session = (struct fv_sim_session){.site = site, .last_heard = now};
    if (RAND_bytes(random, sizeof(random)) != 1 ||
        fv_sim_bytes_start(&session->in, INPUT_START) < 0 ||
        fv_sim_bytes_start(&session->out, OUTPUT_START) < 0 ||
        (site->fault_count && fv_sim_sick_create(session, now) < 0)) {
        fv_sim_session_finish(session);
        return -ENOMEM;
    }
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(session->nonce + 2 * i, 3, "%02x", random[i]);
    return 0;
}

void fv_sim_session_finish(struct fv_sim_session *session)
{
    fv_sim_sick_destroy(session);
    fv_free(session->in.data);
    fv_free(session->out.data);
    *session = (struct fv_sim_session){.state = FV_SIM_ENDED};
}

int fv_sim_session_put(struct fv_sim_session *session, const void *data, size_t size)
{
    int rc = fv_sim_bytes_reserve(&session->out, size, FV_SIM_OUTPUT_MAX);
    if (rc < 0)
        return rc;
    memcpy(session->out.data + session->out.size, data, size);
    session->out.size += size;
    return 0;
}

void fv_sim_session_play(struct fv_sim_session *session, int64_t now)
{
    const struct fv_sim_camera *camera = session->camera;
    if (session->started)
        fv_sim_timeline_resume(&session->timeline, now);
    else
        fv_sim_timeline_start(&session->timeline, camera->clip, camera->first_au,
                              now + camera->delay, &session->site->rand);
    session->timeline.ssrc = session->ssrc; /* as SETUP announced it */
    session->started = true;
    session->played = now;
    if (session->sick)
        fv_sim_sick_play(session);
    session->state = FV_SIM_PLAYING;
    session->next_report = now + REPORT_FIRST;
    atomic_fetch_add(&session->site->counters.sessions, 1);
}

int64_t fv_sim_session_room(struct fv_sim_session *session, uint8_t **ret_data)
{
    struct fv_sim_bytes *in = &session->in;
    if (in->size == in->capacity && fv_sim_bytes_reserve(in, 1, FV_SIM_INPUT_MAX) < 0)
        return -ENOMEM;
    *ret_data = in->data + in->size;
    return (int64_t)(in->capacity - in->size);
}

/* One request or interleaved frame at the start of `data`. Bytes used, or negative errno. */
static int64_t take_one(struct fv_sim_session *session, const uint8_t *data, size_t size,
                        int64_t now)
{
    struct fv_rtsp_frame frame;
    struct fv_rtsp_message message;
    if (*data == '\r' || *data == '\n')
        return 1;
    if (*data == '$') /* receiver reports: a sign of life, no more */
        return fv_rtsp_parse_frame(data, size, &frame);
    int64_t used = fv_rtsp_parse((const char *)data, size, &message);
    if (used <= 0) /* more, or larger, than a request may be: as good as garbage */
        return used == -ENOBUFS ? -EBADMSG : used;
    int rc = message.request ? fv_sim_answer(session, &message, now) : 0;
    return rc < 0 ? rc : used;
}

/* A fault ended the conversation: what still comes is not looked at. */
static bool is_over(const struct fv_sim_session *session)
{
    return fv_sim_session_deaf(session) || fv_sim_session_end(session);
}

int fv_sim_session_feed(struct fv_sim_session *session, size_t size, int64_t now)
{
    struct fv_sim_bytes *in = &session->in;
    size_t done = 0;
    int64_t used = 0;
    in->size += size;
    if (fv_sim_session_deaf(session)) {
        in->size = 0;
        return 0;
    }
    session->last_heard = now;
    while (done < in->size && session->state != FV_SIM_ENDED && !is_over(session)) {
        used = take_one(session, in->data + done, in->size - done, now);
        if (used <= 0)
            break;
        done += (size_t)used;
    }
    fv_sim_bytes_drop(in, done);
    if (used == -EBADMSG || (used == -EAGAIN && in->size == FV_SIM_INPUT_MAX)) {
        session->state = FV_SIM_ENDED;
        return fv_sim_answer_garbage(session);
    }
    return used < 0 && used != -EAGAIN ? (int)used : 0;
}

void fv_sim_session_heard(struct fv_sim_session *session, int64_t now)
{
    session->last_heard = now;
}

bool fv_sim_session_busy(const struct fv_sim_session *session)
{
    return session->state == FV_SIM_PLAYING || session->sick;
}

enum fv_sim_end fv_sim_session_end(const struct fv_sim_session *session)
{
    return session->sick ? session->sick->end : FV_SIM_END_NOT;
}

bool fv_sim_session_deaf(const struct fv_sim_session *session)
{
    return session->sick && session->sick->deaf;
}

bool fv_sim_session_expired(const struct fv_sim_session *session, int64_t now)
{
    return now - session->last_heard > FV_SIM_TIMEOUT;
}
