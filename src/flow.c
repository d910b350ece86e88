// SPDX-License-Identifier: Apache-2.0
#include "flow.h"

const char *fv_codec_name(enum fv_codec codec)
{
    switch (codec) {
    case FV_CODEC_H264:
        return "h264";
    case FV_CODEC_H265:
        return "h265";
    case FV_CODEC_JPEG:
        return "jpeg";
    case FV_CODEC_VP9:
        return "vp9";
    case FV_CODEC_AV1:
        return "av1";
    case FV_CODEC_NONE:
        break;
    }
    return "none";
}

const char *fv_camera_state_name(enum fv_camera_state state)
{
    static const char *const names[] = {
        [FV_CAMERA_DISABLED] = "disabled",       [FV_CAMERA_WAITING] = "waiting",
        [FV_CAMERA_RESOLVING] = "resolving",     [FV_CAMERA_CONNECTING] = "connecting",
        [FV_CAMERA_NEGOTIATING] = "negotiating", [FV_CAMERA_BUFFERING] = "buffering",
        [FV_CAMERA_PLAYING] = "playing",
    };
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

struct fv_picture *fv_picture_ref(struct fv_picture *picture)
{
    picture->refs++;
    return picture;
}

void fv_picture_unref(struct fv_picture *picture)
{
    if (picture && --picture->refs == 0)
        picture->release(picture);
}
