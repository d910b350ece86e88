// SPDX-License-Identifier: Apache-2.0
/* A specification, up to the first zero byte; the rest of the input is a client's side of a
 * conversation with a camera that has this fault. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/answer.h"
#include "sim/fuzz_session.h"
#include "sim/sick.h"

static void converse(struct fv_sim_session *session, const uint8_t *data, size_t size)
{
    int64_t now = FV_S;
    while (size && session->state != FV_SIM_ENDED && !fv_sim_session_end(session)) {
        uint8_t *room;
        int64_t space = fv_sim_session_room(session, &room);
        if (space < 0)
            return;
        size_t part = size < 300 ? size : 300;
        part = part < (size_t)space ? part : (size_t)space;
        memcpy(room, data, part);
        if (fv_sim_session_feed(session, part, now) < 0)
            return;
        if (session->state == FV_SIM_READY) /* its name for a PLAY cannot be guessed */
            fv_sim_session_play(session, now);
        for (int i = 0; i < 8; i++, now += 37 * FV_MS)
            if (fuzz_drain(session, now, SIZE_MAX) < 0)
                return;
        data += part;
        size -= part;
    }
}

static void play(const struct fv_sim_fault_spec *spec, const uint8_t *data, size_t size)
{
    const struct fv_clip *clip = fuzz_clip();
    const struct fv_clip *const clips[64] = {clip};
    const struct fv_sim_camera cameras[2] = {{.clip = clip}, {.clip = clip, .delay = FV_MS}};
    uint32_t visits[2] = {0};
    struct fv_sim_site site = {.cameras = cameras,
                               .camera_count = 2,
                               .clips = clips,
                               .clip_count = 1,
                               .via = FV_SIM_VIA_TCP | FV_SIM_VIA_UDP,
                               .faults = spec,
                               .fault_count = 1,
                               .visits = visits};
    struct fv_sim_session session;
    fv_rand_seed(&site.rand, 1);
    if (fv_sim_session_init(&session, &site, 0) == 0)
        converse(&session, data, size);
    fv_sim_session_finish(&session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_sim_fault_spec spec;
    struct fv_error err = {0};
    char text[512];
    size_t length = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    if (length)
        memcpy(text, data, length);
    text[length] = '\0';
    if (fv_sim_fault_parse(text, &spec, &err) < 0) {
        if (err.code >= 0 || !err.text[0])
            abort(); /* a refusal without a reason */
        return 0;
    }
    const size_t used = strlen(text) + 1;
    /* The simulator refuses an input that is not there. */
    if (used < size && (strcmp(spec.fault->name, "size-change") != 0 || spec.own[0] < 1))
        play(&spec, data + used, size - used);
    return 0;
}
