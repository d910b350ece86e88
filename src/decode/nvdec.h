// SPDX-License-Identifier: Apache-2.0
/*
 * Decoding on the GPU (NVDEC): the back end `fv_decoder_nvdec` and what the decoders of one worker share.
 *
 *   access unit -> parser -> NVDEC surface -> (pending) -> mapped picture in device memory -> picture()
 *
 * A parser per camera cuts an access unit into calls of the hardware; those return at once. Pictures in flight wait in one list of
 * the worker and are mapped oldest first by collect(): mapping a finished picture is cheap, waiting for an unfinished one is not.
 * Sessions (the driver's decoders) cost tens of megabytes and up to seconds to make: a thread of its own, `fv-decode-open`, makes
 * and destroys them, idle ones are kept and reconfigured, and meanwhile the camera's access units wait.
 */
#ifndef FV_DECODE_NVDEC_H
#define FV_DECODE_NVDEC_H

#include "decode/decoder.h"
#include "gpu/gpu.h"

struct fv_nvdec;

/* When a picture that was given to the hardware is mapped. */
enum fv_nvdec_map {
    FV_NVDEC_MAP_AUTO,      /* finished ones, soon at low load and after a few ms at high load */
    FV_NVDEC_MAP_SAME_PASS, /* at once, waiting for the hardware: least age, most CPU */
    FV_NVDEC_MAP_NEXT_PASS, /* after `hold`, or when its surface is needed: for throughput */
};

#define FV_NVDEC_HELD_MAX 32

struct fv_nvdec_params {
    struct fv_gpu *gpu; /* borrowed */
    unsigned held;      /* mapped pictures per camera, 1 .. FV_NVDEC_HELD_MAX (NVDEC_BUFFER_SIZE) */
    enum fv_nvdec_map map;
    int64_t hold;  /* ns a picture is left alone before it is mapped; 0: 8 ms */
    size_t budget; /* bytes of device memory for sessions; 0: what is free */
};

/* Any thread. */
struct fv_nvdec_stats {
    unsigned sessions, idle; /* the driver's decoders: all, and those of them that no camera uses */
    size_t bytes;            /* of device memory that they are reckoned to hold */
    size_t session_bytes;    /* by which the last creation made the free memory smaller */
    uint64_t created, destroyed, reconfigured, reused, refused;
    uint64_t decoded, mapped; /* pictures */
    uint64_t waited;          /* maps that had to wait for the hardware, as far as was asked */
    uint64_t skipped_held; /* pictures that nobody got: all surfaces were held, a newer one came */
    uint64_t damaged;      /* pictures in which the hardware found errors */
    int64_t open_longest;  /* ns that the slowest creation took */
};

/* 0; -EINVAL, -ENOMEM, -EIO, -ENODEV, -ENOTSUP (a build without the GPU path). */
int fv_nvdec_create(const struct fv_nvdec_params *params, struct fv_nvdec **ret_nvdec,
                    struct fv_error *err);
/* The worker ended and every picture was released. NULL is fine. The calling thread has entered the GPU. */
void fv_nvdec_destroy(struct fv_nvdec *nvdec);
void fv_nvdec_stats(struct fv_nvdec *nvdec, struct fv_nvdec_stats *ret_stats);

/* `shared` is a struct fv_nvdec. Pictures are NV12 (8 bit) or P016 in device memory and may be released on any thread that entered
 * the GPU; they stay valid when their decoder is closed or the stream changes. */
extern const struct fv_decoder_ops fv_decoder_nvdec;

#endif
