// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the NVDEC back end share.
 *
 *   nvdec.c          the table of functions: access units in, sessions awaited, faults
 *   nvdec_packet.c   what of an access unit the driver's parser gets
 *   nvdec_parser.c   the driver's parser and its callbacks
 *   nvdec_format.c   what a stream needs: refused, or a shape
 *   nvdec_session.c  one decoder of the driver and its output pictures
 *   nvdec_pool.c     idle sessions, the memory budget, the thread that makes and destroys sessions
 *   nvdec_map.c      pictures in flight -> mapped pictures
 */
#ifndef FV_DECODE_NVDEC_IMPL_H
#define FV_DECODE_NVDEC_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "codec/codec.h"
#include "decode/damage.h"
#include "decode/nvdec.h"
#include "decode/nvdec_packet.h"
#include "gpu/driver.h"

#define FV_NVDEC_SURFACES_MAX 32 /* of a session, the driver's own bound */
#define FV_NVDEC_IN_FLIGHT 3 /* surfaces beyond what the stream needs: decoded, not yet mapped */
#define FV_NVDEC_IDLE_MAX 4  /* sessions kept for the next camera */

struct fv_nvdec_area {
    short left, top, right, bottom;
};

/* What a stream needs of a session. */
struct fv_nvdec_shape {
    cudaVideoCodec codec;
    cudaVideoChromaFormat chroma;
    unsigned depth;            /* bits per sample */
    unsigned width, height;    /* coded */
    struct fv_nvdec_area area; /* visible part, even in both directions */
    unsigned decode_surfaces;  /* for references and pictures in flight */
    unsigned output_surfaces;  /* pictures mapped at the same time */
};

struct fv_nvdec_session;

/* A mapped picture; a session has as many as output surfaces. */
struct fv_nvdec_picture {
    struct fv_picture picture; /* first */
    struct fv_nvdec_session *session;
    CUdeviceptr address;
    struct fv_gpu_event *ready;
    struct fv_nvdec_picture *next_free;
};

struct fv_nvdec_session {
    struct fv_nvdec *nvdec;
    CUvideodecoder handle;
    struct fv_nvdec_shape shape;    /* as configured now */
    unsigned max_width, max_height; /* up to which it can be reconfigured */
    size_t bytes;                   /* reckoned */
    struct fv_list link;            /* idle or doomed; under nvdec->lock */
    struct fv_nvdec_picture *pictures;
    pthread_mutex_t lock;
    pthread_cond_t given_back; /* `free` is no longer empty */
    /* under lock */
    unsigned refs; /* the camera's decoder, each mapped picture */
    struct fv_nvdec_picture *free;
    bool broken;   /* a call failed: not to be used again */
    bool starving; /* a picture waits for a free output surface */
};

/* A session that is being made. */
struct fv_nvdec_job {
    struct fv_list link;
    struct fv_nvdec_shape shape;
    /* under nvdec->lock */
    bool abandoned, done;
    int code;
    struct fv_error err;
    struct fv_nvdec_session *session;
};

/* A surface of the session as its decoder sees it. */
struct fv_nvdec_surface {
    struct fv_list link; /* in nvdec->pending */
    struct fv_decoder *decoder;
    int index;
    bool pending; /* waits to be mapped */
    bool shown;   /* was queued for mapping since it was decoded into */
    bool hidden;  /* VP9, AV1: is not shown by the access unit that it was decoded from */
    cuvidDecodeStatus status; /* of the picture, Invalid: not known */
    int64_t queued;
    struct fv_frame_info info;
    enum fv_matrix matrix;
    bool full_range;
    CUVIDPARSERDISPINFO display;
};

struct fv_decoder {
    struct fv_decoder_params params;
    struct fv_nvdec *nvdec;
    struct fv_list link;         /* in nvdec->decoders */
    CUvideoparser parser;        /* NULL: made at the next access unit */
    struct fv_nvdec_known known; /* what it was given */
    bool muted;                  /* callbacks of the parser do nothing */
    struct fv_nvdec_session *session;
    struct fv_nvdec_job *job;      /* a session is being made */
    bool wants_session;            /* the access unit that was parsed needs it */
    struct fv_nvdec_shape shape;   /* of the stream */
    struct fv_video_format stream; /* by its parameter sets */
    enum fv_matrix matrix;
    uint32_t width, height; /* visible */

    struct fv_frame_info info; /* of the access unit that is parsed */
    struct fv_damage damage;
    unsigned pictures; /* that the access unit began */
    bool direct;       /* output order is decoding order: shown as they are decoded */
    bool guess;        /* ... as long as their order counts rise */
    int32_t last_order;
    struct fv_nvdec_surface surfaces[FV_NVDEC_SURFACES_MAX];
    unsigned pending; /* surfaces that wait to be mapped */
    uint64_t held_at; /* the pass in which an older picture had to wait on */

    bool broken;              /* a call on the session failed */
    struct fv_error callback; /* code != 0: a callback failed in this access unit */
    struct fv_error fault;    /* code != 0: came up outside of submit() */
};

struct fv_nvdec {
    struct fv_nvdec_params params;
    struct fv_gpu *gpu;
    const struct fv_driver *driver;
    struct fv_gpu_stream *stream;
    struct fv_decode_wake wake;
    /* owner: the worker's thread */
    struct fv_list decoders, pending;
    unsigned pending_count, job_count; /* job_count: decoders whose session is being made */
    uint64_t pass;
    /* any thread */
    _Atomic uint64_t reconfigured, reused, decoded, mapped, waited, skipped_held, damaged;
    pthread_t opener;
    bool opener_started;
    pthread_mutex_t lock;
    pthread_cond_t work, delivered;
    /* under lock */
    struct fv_list jobs, idle, doomed;
    bool stopping;
    unsigned sessions, idle_count;
    size_t bytes, session_bytes, budget;
    uint64_t created, destroyed, refused;
    int64_t open_longest;
};

static inline void fv_nvdec_count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* --- nvdec.c --- */

/* fv_gpu_check() for calls of the decoder's library. Its "unknown error" is often its answer to one stream: the device is lost
 * only when the context says so as well, else it is -EIO. */
int fv_nvdec_check(struct fv_nvdec *nvdec, CUresult result, const char *call, struct fv_error *err);

/* --- nvdec_parser.c --- */

/* Parses one access unit. 0; -EAGAIN: a session must be made first, give the access unit again; else as submit(). */
int fv_nvdec_parse(struct fv_decoder *decoder, const struct fv_au *au, struct fv_error *err);
/* The stream ended: the parser shows what it holds back. */
void fv_nvdec_parse_end(struct fv_decoder *decoder);
/* Forgets the stream. */
void fv_nvdec_parser_close(struct fv_decoder *decoder);

/* --- nvdec_format.c --- */

/* Before the driver's parser sees it: what a key access unit says of its stream, within sane limits; of codecs without NAL units
 * also whether the hardware takes it. 0, -ENOTSUP, -EBADMSG, or as a call of the driver fails. */
int fv_nvdec_read_parameters(struct fv_decoder *decoder, const struct fv_au *au,
                             struct fv_error *err);
/* What the driver's parser found -> shape. 0, -ENOTSUP: the hardware or our kernels cannot, said by name. */
int fv_nvdec_shape_of(struct fv_decoder *decoder, const CUVIDEOFORMAT *format,
                      struct fv_nvdec_shape *ret_shape, struct fv_error *err);
const char *fv_nvdec_codec_name(cudaVideoCodec codec);
cudaVideoCodec fv_nvdec_codec_of(enum fv_codec codec); /* NumCodecs: none */
/* Device memory of a session, reckoned. */
size_t fv_nvdec_bytes_of(const struct fv_nvdec_shape *shape);

/* --- nvdec_session.c --- */

/* One reference, the caller's. -ENOSPC: the driver is out of memory, or of what it calls so. */
int fv_nvdec_session_create(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                            struct fv_nvdec_session **ret_session, struct fv_error *err);
void fv_nvdec_session_destroy(struct fv_nvdec_session *session); /* nothing is mapped */
/* Would the session serve the shape as it is, or after being reconfigured? */
bool fv_nvdec_session_fits(const struct fv_nvdec_session *session,
                           const struct fv_nvdec_shape *shape);
/* Nobody but the caller uses it. In the parser's sequence callback. */
int fv_nvdec_session_reshape(struct fv_nvdec_session *session, const struct fv_nvdec_shape *shape,
                             struct fv_error *err);
/* Only the camera's decoder refers to it. */
bool fv_nvdec_session_is_quiet(struct fv_nvdec_session *session);
/* Gives the camera's decoder's reference back; the last one gives the session to the pool. `broken`: a call failed, it is not to
 * be used again. NULL is fine. */
void fv_nvdec_session_leave(struct fv_nvdec_session *session, bool broken);
/* Maps a surface. 0; -ENOBUFS, unless `wait`: all output surfaces are held; -ENOMEM, -EIO, -ENODEV. */
int fv_nvdec_session_map(struct fv_nvdec_session *session, const CUVIDPARSERDISPINFO *display,
                         bool wait, struct fv_nvdec_picture **ret_picture, struct fv_error *err);

/* --- nvdec_pool.c --- */

int fv_nvdec_pool_init(struct fv_nvdec *nvdec, struct fv_error *err);
void fv_nvdec_pool_finish(struct fv_nvdec *nvdec);
/* An idle session that fits, with one reference, or NULL. */
struct fv_nvdec_session *fv_nvdec_pool_take(struct fv_nvdec *nvdec,
                                            const struct fv_nvdec_shape *shape);
/* Nothing refers to it any more. Any thread. */
void fv_nvdec_pool_put(struct fv_nvdec_session *session, bool broken);
/* Has a session made; the worker is woken when it is done. 0, -ENOMEM. */
int fv_nvdec_pool_request(struct fv_nvdec *nvdec, const struct fv_nvdec_shape *shape,
                          struct fv_nvdec_job **ret_job);
/* Is it done? Then *ret_code (0, or an error with err), and *ret_session with a reference; the job is gone. */
bool fv_nvdec_pool_result(struct fv_nvdec *nvdec, struct fv_nvdec_job *job,
                          struct fv_nvdec_session **ret_session, struct fv_error *ret_err);
/* Sleeps until it is done: at the end of a stream only. */
void fv_nvdec_pool_wait(struct fv_nvdec *nvdec, struct fv_nvdec_job *job);
void fv_nvdec_pool_abandon(struct fv_nvdec *nvdec, struct fv_nvdec_job *job);

/* --- nvdec_map.c --- */

/* The surface holds a picture that is to be seen. */
void fv_nvdec_show(struct fv_nvdec_surface *surface);
/* The surface is about to be decoded into: hands out its picture and the camera's older ones, or skips what finds no free output
 * surface. */
void fv_nvdec_clear(struct fv_nvdec_surface *surface);
/* Hands out, or with `drop` forgets, everything that the decoder has in flight. */
void fv_nvdec_clear_all(struct fv_decoder *decoder, bool drop);
/* collect() */
int64_t fv_nvdec_map_pending(struct fv_nvdec *nvdec, int64_t now);

#endif
