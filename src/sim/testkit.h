// SPDX-License-Identifier: Apache-2.0
/* For the simulator's tests: a synthetic H.264 stream and clip, and a session without a socket on a
 * virtual clock. No real pictures: only what a server looks at is valid. */
#ifndef FV_SIM_TESTKIT_H
#define FV_SIM_TESTKIT_H

#include <pthread.h>

#include "base/clock.h"
#include "fovea/sim.h"
#include "sim/session.h"

struct kit_stream {
    unsigned pictures; /* the first of each `gop` is a key picture */
    unsigned gop;
    size_t slice;    /* bytes of each slice NAL unit, >= 3 */
    bool leading;    /* begins with a picture that is no key picture */
    bool no_sets;    /* no parameter sets at all */
    bool sets_once;  /* only before the first key picture */
    bool delimiters; /* an AUD before each picture */
};

/* Baseline, level 3, 320x240, no timing. Hand-made after H.264 7.3.2.1.1. */
extern const uint8_t kit_sps[8];
extern const uint8_t kit_pps[4];

/* Annex B. The caller frees the bytes with free(). */
uint8_t *kit_make(const struct kit_stream *stream, size_t *ret_size);
/* The slice NAL unit of picture n, as kit_make() writes it; `out` holds `slice` bytes. */
void kit_slice(const struct kit_stream *stream, unsigned n, uint8_t *out);
/* A clip of the stream at `fps`; fails the test when that does not work. */
struct fv_clip *kit_clip(const struct kit_stream *stream, double fps);
/* Writes bytes to a new file; `path` ends in XXXXXX and is filled in. */
void kit_write(char *path, const void *data, size_t size);

#define KIT_START (1000 * FV_S)
#define KIT_WALL (1700000000 * FV_S) /* the wall clock at KIT_START */
#define KIT_TCP "Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n"
#define KIT_UDP "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n"
#define KIT_CAMERAS 4
#define KIT_DATAGRAMS 4096

struct kit_datagram {
    size_t at, size; /* in `sent` */
    bool rtcp;
    int64_t when;
};

/* A site with cameras that play the same clip, and one session. */
struct kit_bench {
    struct fv_clip *clip;
    struct fv_sim_camera cameras[KIT_CAMERAS];
    struct fv_sim_fault_spec specs[FV_SIM_FAULTS_MAX];
    uint32_t visits[KIT_CAMERAS];
    struct fv_sim_site site;
    struct fv_sim_session session;
    struct fv_sim_batch batch;
    int64_t now;
    char reply[32 << 10];
    uint8_t sent[1 << 20]; /* everything that went out since the last reset of sent_size */
    size_t sent_size, writes;
    struct kit_datagram datagrams[KIT_DATAGRAMS]; /* of these over UDP */
    unsigned datagram_count;
};

/* `faults`: specifications. */
void kit_bench_start(struct kit_bench *bench, const struct kit_stream *stream, double fps,
                     const char *const *faults, unsigned fault_count);
void kit_bench_finish(struct kit_bench *bench);
/* A new connection. */
void kit_reconnect(struct kit_bench *bench);
/* Lets the socket take at most `limit` bytes. What fv_sim_session_sent() said. */
int kit_drain(struct kit_bench *bench, size_t limit);
int kit_feed(struct kit_bench *bench, const void *data, size_t size);
/* Sends a request; the answer's text stands in bench->reply, and nothing else goes out. Returns its
 * status, 0: none. */
unsigned kit_ask(struct kit_bench *bench, const char *request);
unsigned kit_ask_simple(struct kit_bench *bench, const char *method, const char *path,
                        const char *headers);
unsigned kit_ask_in_session(struct kit_bench *bench, const char *method);
/* SETUP and PLAY of camera 0; forgets what was sent. */
void kit_play(struct kit_bench *bench, const char *transport);
/* Lets time go by in steps of 4 ms. */
void kit_run(struct kit_bench *bench, int64_t duration);

/* A simulator that serves in a thread. */
struct kit_server {
    struct fv_sim *sim;
    pthread_t thread;
    int rc;
};

/* One at a time. */
struct kit_server *kit_serve(const struct fv_sim_params *params);
void kit_end(struct kit_server *server);
/* A blocking connection to it that is patient; `receive_buffer` 0: the kernel's own size. */
int kit_connect(const struct kit_server *server, int receive_buffer);
/* A read that takes longer than 5 s fails with EAGAIN. */
void kit_be_patient(int fd);

#endif
