// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "probe.h"

/* H.264 A.2, H.265 A.3, the processes of JPEG (T.81 table B.1), AV1 A.2. */
static const struct {
    const char *codec;
    unsigned profile;
    const char *name;
} profiles[] = {
    {"h264", 66, "Baseline"},
    {"h264", 77, "Main"},
    {"h264", 88, "Extended"},
    {"h264", 100, "High"},
    {"h264", 110, "High 10"},
    {"h264", 122, "High 4:2:2"},
    {"h264", 244, "High 4:4:4"},
    {"h265", 1, "Main"},
    {"h265", 2, "Main 10"},
    {"h265", 3, "Main Still"},
    {"h265", 4, "Range Extensions"},
    {"jpeg", 0, "Baseline"},
    {"jpeg", 1, "Extended"},
    {"jpeg", 2, "Progressive"},
    {"av1", 0, "Main"},
    {"av1", 1, "High"},
    {"av1", 2, "Professional"},
};

char *fv_probe_profile(const char *codec, unsigned profile, char *text, size_t size)
{
    snprintf(text, size, "profile %u", profile);
    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        if (profiles[i].profile == profile && strcmp(profiles[i].codec, codec) == 0)
            snprintf(text, size, "%s", profiles[i].name);
    }
    return text;
}

char *fv_probe_level(const char *codec, unsigned level, char *text, size_t size)
{
    /* level_idc is ten times the level in H.264 (A.3), thirty times in H.265 (A.4); seq_level_idx of AV1 counts (A.3). */
    unsigned tenths = strcmp(codec, "h265") == 0 ? level / 3 : level;
    if (strcmp(codec, "av1") == 0)
        tenths = (2 + level / 4) * 10 + level % 4;
    if (strcmp(codec, "jpeg") == 0 || strcmp(codec, "vp9") == 0)
        text[0] = 0;
    else if (tenths == 9)
        snprintf(text, size, "1b");
    else
        snprintf(text, size, "%u.%u", tenths / 10, tenths % 10);
    return text;
}

const char *fv_probe_codec(const char *codec)
{
    static const char *const names[][2] = {
        {"h264", "H.264"}, {"h265", "H.265"}, {"jpeg", "JPEG"}, {"vp9", "VP9"}, {"av1", "AV1"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i][0], codec) == 0)
            return names[i][1];
    return codec;
}

const char *fv_probe_phase(enum fv_camera_state state)
{
    switch (state) {
    case FV_CAMERA_RESOLVING:
        return "looking up its name";
    case FV_CAMERA_CONNECTING:
        return "connecting";
    case FV_CAMERA_NEGOTIATING:
        return "negotiating the session (RTSP)";
    case FV_CAMERA_BUFFERING:
        return "waiting for the first packets and the first key picture";
    case FV_CAMERA_PLAYING:
        return "playing";
    case FV_CAMERA_DISABLED:
    case FV_CAMERA_WAITING:
        break;
    }
    return "waiting for its turn";
}
