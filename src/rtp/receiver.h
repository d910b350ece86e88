// SPDX-License-Identifier: Apache-2.0
/*
 * One camera's RTP stream: packets and their arrival times in, access units out. Validates (RFC 3550 A.1), orders, counts loss and jitter,
 * depacketizes, assembles pictures and keeps the timeline. No socket, no clock; one thread.
 *
 *   packet -> sequence -> reorder window -> depacketizer (depay_*.c) -> assembly -> fv_au
 */
#ifndef FV_RTP_RECEIVER_H
#define FV_RTP_RECEIVER_H

#include "codec/codec.h"
#include "flow.h"
#include "rtp/quirks.h"

struct fv_rtp;

enum fv_on_loss { FV_ON_LOSS_SKIP, FV_ON_LOSS_FLAG }; /* wait for the next key picture, or deliver marked DAMAGED */

struct fv_rtp_handler {
    /* A complete access unit. *au is borrowed with its reference; keep it with fv_au_share(). `delivered` is set by the receiver to `now`. */
    void (*au)(void *data, const struct fv_au *au);
    /* New parameter sets, or another size or profile, are in force (also the first). Before the access unit that needs them. */
    void (*format)(void *data, const struct fv_video_format *format, uint32_t serial);
    void *data;
};

struct fv_rtp_params {
    enum fv_codec codec;
    uint8_t payload_type;
    uint32_t clock_rate;      /* Hz, > 0 */
    const uint8_t *sets;      /* Annex B parameter sets from the SDP, borrowed during create */
    size_t sets_size;
    uint16_t width, height;   /* from the SDP, for payloads that cannot say it (JPEG above 2040); 0 when unknown */
    int64_t reorder;          /* window in ns; 0 (TCP): packets are taken as they come */
    enum fv_on_loss on_loss;
    uint32_t camera;          /* copied into every access unit */
    struct fv_buf_pool *pool; /* borrowed; outlives the receiver */
    uint32_t epoch;           /* first epoch and format serial: go on from the connection before */
    uint32_t format;
    uint64_t seed;            /* for our SSRC */
    struct fv_rtp_handler handler;
};

struct fv_rtp_stats {
    uint64_t packets, bytes;      /* of the stream, as received, headers included */
    uint64_t lost;                /* RFC 3550 A.3: expected - received, never negative */
    uint64_t reordered, duplicates, invalid; /* invalid: refused by A.1, foreign payload type or ssrc */
    uint64_t access_units, keyframes; /* keyframes: where decoding can start */
    uint64_t recovery_points;     /* of these, the ones that are no key pictures */
    uint64_t skipped;             /* access units dropped while waiting for a key picture */
    uint64_t damaged;             /* access units given up or flagged because of loss or malformed payload */
    uint64_t sender_reports;      /* RTCP SR of the stream, sane or not */
    uint64_t no_buffer;           /* access units dropped because the pool was empty */
    uint32_t epoch, format;       /* the current ones */
    uint32_t jitter;              /* RFC 3550 A.8, in clock units */
    double drift_ppm;             /* camera's clock against ours by sender reports; NAN when unknown */
    int64_t last_packet, last_au; /* monotonic, FV_TIME_UNKNOWN before the first */
    bool waiting_key;             /* nothing is delivered until the next key picture or recovery point */
    bool ended;                   /* RTCP BYE */
    const char *refusal;          /* the last kind of payload that is not supported, in words; NULL: none came */
    struct fv_video_format video; /* codec NONE until known */
};

/* Borrows params. 0, -EINVAL, -ENOMEM. */
int fv_rtp_create(const struct fv_rtp_params *params, struct fv_rtp **ret_receiver);
void fv_rtp_destroy(struct fv_rtp *receiver);

/* Asks the memory for what the next packets will touch; to be called once a pass, a few microseconds before the first of them. */
void fv_rtp_prefetch(struct fv_rtp *receiver);
/* One RTP packet. 0, or -EBADMSG: refused and counted (the stream goes on). */
int fv_rtp_input(struct fv_rtp *receiver, const uint8_t *packet, size_t size, int64_t now);
/* One compound RTCP packet (SR, BYE, others skipped). 0 or -EBADMSG. */
int fv_rtp_input_rtcp(struct fv_rtp *receiver, const uint8_t *packet, size_t size, int64_t now, int64_t wall);
/* Receiver report + SDES (6.4.2) for now. Returns its size, 0 while nothing was received. `out` holds 256 bytes. */
size_t fv_rtp_report(struct fv_rtp *receiver, int64_t now, uint8_t *out);
/* When the reorder window must give up waiting; FV_TIME_NEVER when nothing waits. */
int64_t fv_rtp_deadline(const struct fv_rtp *receiver);
void fv_rtp_tick(struct fv_rtp *receiver, int64_t now);
/* From now on nothing is delivered until a key picture (the consumer lost something). */
void fv_rtp_await_key(struct fv_rtp *receiver);
const struct fv_rtp_stats *fv_rtp_stats(const struct fv_rtp *receiver);
/* The camera's faults that were met. */
const struct fv_quirks *fv_rtp_quirks(const struct fv_rtp *receiver);

#endif
