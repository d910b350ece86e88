// SPDX-License-Identifier: Apache-2.0
/* Bytes from a client into a session: the first byte cuts the input into pieces, the clock goes on
 * between them, the socket takes what it likes. No file is read: the clip is built from a few
 * bytes. */
#include <string.h>

#include "base/clock.h"
#include "sim/fuzz_session.h"

static void converse(struct fv_sim_session *session, const uint8_t *data, size_t size)
{
    const size_t piece = size ? 1 + data[0] * 7u : 1;
    int64_t now = FV_S;
    while (size && session->state != FV_SIM_ENDED) {
        uint8_t *room;
        int64_t space = fv_sim_session_room(session, &room);
        if (space < 0)
            return;
        size_t part = size < piece ? size : piece;
        part = part < (size_t)space ? part : (size_t)space;
        memcpy(room, data, part);
        if (fv_sim_session_feed(session, part, now) < 0 || fuzz_drain(session, now, piece * 3) < 0)
            return;
        data += part;
        size -= part;
        now += 70 * FV_MS;
    }
    fuzz_drain(session, now, SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fv_clip *clip = fuzz_clip();
    const struct fv_sim_camera cameras[2] = {{.clip = clip}, {.clip = clip, .delay = FV_MS}};
    struct fv_sim_site site = {
        .cameras = cameras, .camera_count = 2, .via = FV_SIM_VIA_TCP | FV_SIM_VIA_UDP};
    struct fv_sim_session session;
    fv_rand_seed(&site.rand, 1);
    if (size && data[0] & 1)
        site.auth = (struct fv_sim_auth){"user", "password"};
    if (fv_sim_session_init(&session, &site, 0) == 0)
        converse(&session, data, size);
    fv_sim_session_finish(&session);
    return 0;
}
