// SPDX-License-Identifier: Apache-2.0
/*
 * For ingest's tests: a camera on 127.0.0.1, well or sick, with a thread per connection and plain blocking sockets.
 * It knows just enough RTSP for a client that behaves. H.264, 320x240, one slice a picture, each NAL unit a packet.
 */
#ifndef FV_INGEST_FAKE_CAMERA_H
#define FV_INGEST_FAKE_CAMERA_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_step { FAKE_OPTIONS, FAKE_DESCRIBE, FAKE_SETUP, FAKE_PLAY, FAKE_MEDIA };
enum fake_fault {
    FAKE_WELL,
    FAKE_CLOSE,            /* instead of the answer, or of further media */
    FAKE_MUTE,             /* likewise, but the connection stays */
    FAKE_GARBAGE,          /* likewise, 4 KiB of it */
    FAKE_STATUS,           /* answers with `status` and `headers` */
    FAKE_NO_KEY,           /* media: pictures, but never a key picture */
    FAKE_NO_MORE_PICTURES, /* media: packets of one endless picture */
    FAKE_BYE,              /* media: RTCP BYE, then silence */
    FAKE_FIELDS,           /* media: fields of interlaced JPEG */
};

struct fake_params {
    enum fake_step at;
    enum fake_fault fault;
    unsigned status;
    const char *headers;
    unsigned pictures;    /* before a fault in media */
    unsigned sick;        /* connections that have the fault, 0: all */
    unsigned interval_ms; /* between pictures; 0: 5 */
    size_t slice;         /* bytes of a picture's slice; 0: 500 */
    size_t chunk;         /* bytes per write; 0: all */
    unsigned session_s;   /* session timeout; 0: 60 */
};

struct fake_camera {
    struct fake_params params;
    int listener;
    struct sockaddr_in addr;
    char url[64];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned running; /* connections' threads; under `lock` */
    atomic_bool stop;
    atomic_bool over; /* the fault in media begins now, whatever `pictures` says */
    atomic_uint connections, plays, teardowns, reports, keepalives;
};

void fake_camera_start(struct fake_camera *camera, const struct fake_params *params);
void fake_camera_stop(struct fake_camera *camera);

#endif
