// SPDX-License-Identifier: Apache-2.0
#include "sim/fuzz_session.h"

#include <stdlib.h>

static struct fv_clip *make_clip(void)
{
    static const uint8_t au[] = "\0\0\0\1\x67\x42\xc0\x1e\xda\x05\x07\xe4"
                                "\0\0\0\1\x68\xce\x38\x80\0\0\0\1\x65\x88\x80\x40";
    struct fv_clip_builder *builder;
    struct fv_clip *clip = NULL;
    if (fv_clip_builder_create(FV_CODEC_H264, &builder) < 0)
        abort();
    for (int i = 0; i < 3; i++)
        if (fv_clip_builder_add(builder, au, sizeof(au) - 1, i * 3600, i * 3600) < 0)
            abort();
    if (fv_clip_builder_finish(builder, 3 * 3600, 0, &clip, NULL) < 0)
        abort();
    fv_clip_builder_destroy(builder);
    return clip;
}

const struct fv_clip *fuzz_clip(void)
{
    static struct fv_clip *clip;
    if (!clip)
        clip = make_clip();
    return clip;
}

int fuzz_drain(struct fv_sim_session *session, int64_t now, size_t limit)
{
    static struct fv_sim_batch batch;
    fv_sim_session_gather(session, now, now, &batch);
    size_t size = batch.size < limit ? batch.size : limit;
    int rc = size ? fv_sim_session_sent(session, &batch, size, now) : 0;
    if (rc == 0)
        fv_sim_session_posted(session, &batch, now);
    return rc;
}
