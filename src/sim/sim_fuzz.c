// SPDX-License-Identifier: Apache-2.0
/* Bytes from a client into a session: the first byte cuts the input into pieces, the clock goes on
 * between them, the socket takes what it likes. No file is read: the clip is built from a few
 * bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sim/session.h"

static struct fv_clip *make_clip(void)
{
    static const uint8_t au[] = "\0\0\0\1\x67\x42\xc0\x1e\xda\x05\x07\xe4"
                                "\0\0\0\1\x68\xce\x38\x80\0\0\0\1\x65\x88\x80\x40";
    struct fv_clip_builder *builder;
    struct fv_clip *clip = NULL;
    if (fv_clip_builder_create(fv_codec_ops(FV_CODEC_H264), &builder) < 0)
        abort();
    for (int i = 0; i < 3; i++)
        if (fv_clip_builder_add(builder, au, sizeof(au) - 1, i * 3600, i * 3600) < 0)
            abort();
    if (fv_clip_builder_finish(builder, 3 * 3600, 0, &clip, NULL) < 0)
        abort();
    fv_clip_builder_destroy(builder);
    return clip;
}

static int drain(struct fv_sim_session *session, int64_t now, size_t limit)
{
    static struct fv_sim_batch batch;
    fv_sim_session_gather(session, now, now, &batch);
    size_t size = batch.size < limit ? batch.size : limit;
    int rc = size ? fv_sim_session_sent(session, &batch, size, now) : 0;
    if (rc == 0)
        fv_sim_session_posted(session, &batch, now);
    return rc;
}

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
        if (fv_sim_session_feed(session, part, now) < 0 || drain(session, now, piece * 3) < 0)
            return;
        data += part;
        size -= part;
        now += 70 * FV_MS;
    }
    drain(session, now, SIZE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fv_clip *clip;
    if (!clip)
        clip = make_clip();
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
