// SPDX-License-Identifier: Apache-2.0
/*
 * The receiver: the video of many cameras as access units (one compressed picture each), nothing decoded. One thread serves all
 * cameras; reconnects are handled. For programs that record, forward, count or decode by themselves.
 *
 *     struct fv_receiver_params params = {.access_unit = on_access_unit};
 *     struct fv_receiver_camera camera = {.url = "rtsp://10.0.0.20/stream1"};
 *     if (fv_receiver_open(&params, &receiver, &err) < 0 || fv_receiver_add(receiver, &camera, &id, &err) < 0 ||
 *         fv_receiver_start(receiver, &err) < 0) { puts(err.text); ... }
 *     ... callbacks arrive ...
 *     fv_receiver_close(receiver);
 *
 * Threads: open, start, stop and close from one thread of the caller's; the others from any. Callbacks come from the receiver's
 * thread, for all cameras: they must not block, and must not call start, stop, close or remove.
 *
 * A structure of parameters that is zeroed means the defaults; the comments name them.
 */
#ifndef FOVEA_RECEIVER_H
#define FOVEA_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/event.h"

struct fv_receiver;

/* One compressed picture, Annex B with 4-byte start codes. A key picture carries its parameter sets. Borrowed: valid during the
 * callback only. FV_RECEIVER_PADDING zero bytes follow the data. */
#define FV_RECEIVER_PADDING 64
struct fv_access_unit {
    uint32_t camera; /* as fv_receiver_add() numbered it */
    const uint8_t *data;
    size_t size;
    const char *codec; /* "h264", "h265"; static */
    uint32_t flags;    /* FV_FRAME_* */
    uint32_t
        epoch; /* grows when the camera's timeline jumps or restarts: pts compare only within one */
    uint32_t format;   /* grows with each change of parameter sets: size or profile may differ */
    uint32_t rtp_time; /* as the camera sent it */
    int64_t
        pts; /* ns since the epoch's first access unit, by the camera's clock; in decoding order, so it may step back */
    int64_t
        wall; /* capture time by the camera's sender reports, ns since 1970; FV_TIME_UNKNOWN without them */
    int64_t first_packet,
        last_packet; /* monotonic: its first and last byte were read from the network */
};

struct fv_receiver_params {
    int64_t
        gather; /* ns that packets may wait so that one wake-up serves all cameras; 0: 10 ms; < 0: none */
    unsigned connect_rate;      /* new connections per second over all cameras; 0: 20 */
    unsigned connects_per_host; /* connections to one host that are being set up at a time; 0: 4 */
    size_t buffer_limit;        /* bytes of access units under way; 0: 64 MiB + 4 MiB per camera */

    /* May be NULL: access units are then only counted. Return false when there was no room for it: the camera then delivers
     * nothing more before its next key picture. */
    bool (*access_unit)(void *data, const struct fv_access_unit *unit);
    /* Each change of a camera's state; code < 0 says what went wrong. May be NULL. */
    void (*state)(void *data, const struct fv_camera_event *event);
    void *data;
};

enum fv_receiver_transport { FV_RECEIVER_AUTO, FV_RECEIVER_TCP, FV_RECEIVER_UDP };

struct fv_receiver_camera {
    const char *url;  /* rtsp://[user:password@]host[:port]/path, or rtsps://... */
    const char *name; /* in events; NULL: the url without credentials */
    enum fv_receiver_transport transport;
    int64_t reorder; /* UDP: ns that a packet waits for those before it; 0: 60 ms */
    bool
        flag_loss; /* deliver pictures after a loss marked FV_FRAME_DAMAGED, instead of waiting for a key picture */
    const char *tls_ca_file; /* rtsps: PEM file; NULL: the system's certificates */
    bool tls_no_verify;      /* rtsps: accept any certificate */
};

/* One camera's figures since it was added. */
struct fv_receiver_stats {
    enum fv_camera_state state;
    int64_t since;     /* monotonic, of the state */
    char reason[300];  /* of the last change */
    const char *codec; /* "h264", "h265", "none"; static */
    uint32_t width, height;
    uint64_t access_units, keyframes;
    uint64_t packets, bytes; /* RTP, headers included */
    uint64_t lost, reordered, duplicates;
    uint64_t invalid; /* packets that were refused */
    uint64_t skipped; /* access units left out while waiting for a key picture */
    uint64_t damaged; /* access units given up or flagged because of loss or malformed data */
    uint64_t no_room; /* access units given up because buffers or the callback had no room */
    uint64_t attempts, connects, reconnects, failures;
    int64_t retry_at; /* monotonic; FV_TIME_UNKNOWN unless waiting for the next attempt */
    int64_t
        first_unit; /* ns from the last attempt's start to its first access unit; FV_TIME_UNKNOWN */
    double drift_ppm;   /* how much faster the camera's clock runs than ours; NAN when unknown */
    uint32_t jitter_us; /* RFC 3550 */
};

/* What a camera offers, one format of its session description. */
#define FV_RECEIVER_OFFERS_MAX 8
struct fv_receiver_offer {
    char type[16];       /* "video", "audio", ... */
    char encoding[24];   /* "H264", or a payload type's number */
    uint32_t clock_rate; /* Hz, 0 when unknown */
    bool chosen;         /* the one that is received */
};

/* A fault of the camera that was tolerated. */
#define FV_RECEIVER_QUIRKS_MAX 40
struct fv_receiver_quirk {
    const char *name, *policy; /* what it is called; a sentence: what is done about it; static */
    uint32_t count;            /* how often; 1 for those of the session description */
};

/* What is known about a camera, to explain it to a person; of the connection at hand or, between two, of the last one. */
struct fv_receiver_details {
    char peer[80];         /* address that was tried last, with port; or "" */
    bool reached;          /* it accepted the connection (TCP); TLS may have failed all the same */
    bool login_withheld;   /* redirected to another host, which gets no credentials */
    const char *transport; /* in use: "tcp", "udp", "tls"; "auto" before one is chosen; static */
    char server[128];      /* as the camera calls itself, or "" */
    char methods[200];     /* requests that it says it knows, or "" */
    const char *login;     /* what it asks for: "Basic", "Digest SHA-256", ...; "none"; static */
    unsigned status;       /* RTSP status that ended the last attempt, or 0 */
    unsigned offer_count;
    struct fv_receiver_offer offers[FV_RECEIVER_OFFERS_MAX];
    double
        declared_fps; /* of the session description, else of the parameter sets; 0 when neither says */
    const char *
        codec; /* of the chosen stream: "h264", "h265"; "none" before parameter sets came; static */
    uint32_t width, height;
    unsigned profile, level; /* profile_idc and level_idc as coded */
    unsigned bit_depth;
    unsigned chroma; /* 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4 */
    bool interlaced, full_range;
    bool reorder_known;      /* the stream says reorder_frames */
    unsigned reorder_frames; /* pictures that a decoder holds back at most (B-pictures) */
    uint64_t sender_reports;
    int64_t first_packet; /* ns from the attempt's start to the first RTP packet; FV_TIME_UNKNOWN */
    uint64_t foreign_packets,
        garbage_bytes; /* on channels that nobody asked for; between messages */
    uint64_t keepalives, keepalives_unanswered;
    unsigned quirk_count;
    struct fv_receiver_quirk quirks[FV_RECEIVER_QUIRKS_MAX];
};

/* An address, taken apart. Holds no password. */
struct fv_receiver_url {
    char plain[2400]; /* without credentials: for logs */
    char scheme[8];   /* "rtsp", "rtsps" */
    char host[256];
    uint16_t port;
    bool has_login; /* it has a user name */
};
/* 0, or -EINVAL: err says what is wrong with it (never showing the password). */
FV_API int fv_receiver_parse_url(const char *url, struct fv_receiver_url *ret_url,
                                 struct fv_error *err);

/* Borrows params. 0, -EINVAL, -ENOMEM, or what the system says. */
FV_API int fv_receiver_open(const struct fv_receiver_params *params,
                            struct fv_receiver **ret_receiver, struct fv_error *err);
/* Before or after start. Borrows camera. Numbers count up from 0 and are never used twice.
 * 0, -EINVAL (err names what is wrong with the url), -ENOTSUP (transport or scheme), -ENOMEM. */
FV_API int fv_receiver_add(struct fv_receiver *receiver, const struct fv_receiver_camera *camera,
                           uint32_t *ret_id, struct fv_error *err);
/* Other settings for a camera, which keeps its number and figures; the others notice nothing. Another name is taken over while it plays,
 * anything else ends its connection and makes a new one at once. Borrows camera. -ENOENT, or as fv_receiver_add(): nothing changed. */
FV_API int fv_receiver_change(struct fv_receiver *receiver, uint32_t id,
                              const struct fv_receiver_camera *camera, struct fv_error *err);
/* Says goodbye to the camera. No callback for it comes after the return. 0, -ENOENT, -ENOMEM. */
FV_API int fv_receiver_remove(struct fv_receiver *receiver, uint32_t id);
/* Once per receiver. */
FV_API int fv_receiver_start(struct fv_receiver *receiver, struct fv_error *err);
/* Says goodbye to all cameras. No callback comes after the return; figures can still be read. Idempotent. */
FV_API void fv_receiver_stop(struct fv_receiver *receiver);
FV_API void fv_receiver_close(struct fv_receiver *receiver); /* stops first; NULL is fine */

/* Access units of all cameras so far. */
FV_API uint64_t fv_receiver_total(const struct fv_receiver *receiver);
/* At most 100 ms old while packets come. 0 or -ENOENT. */
FV_API int fv_receiver_stats(struct fv_receiver *receiver, uint32_t id,
                             struct fv_receiver_stats *ret_stats);
FV_API int fv_receiver_details(struct fv_receiver *receiver, uint32_t id,
                               struct fv_receiver_details *ret_details);
/* The caller lost pictures of this camera: nothing more comes before its next key picture. */
FV_API void fv_receiver_await_key(struct fv_receiver *receiver, uint32_t id);

#endif
