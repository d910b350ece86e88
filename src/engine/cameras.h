// SPDX-License-Identifier: Apache-2.0
/* The engine's cameras: from the configuration to ingest parameters, and the figures that are kept for each. */
#ifndef FV_ENGINE_CAMERAS_H
#define FV_ENGINE_CAMERAS_H

#include "base/hist.h"
#include "base/list.h"
#include "conf/conf.h"
#include "flow.h"
#include "fovea/engine.h"
#include "ingest/ingest.h"

/* Written by the result thread; read by anyone. */
struct fv_camera_figures {
    struct fv_hist age; /* event - last packet */
    _Atomic uint64_t analysed, detections, persons;
    _Atomic uint32_t persons_now;
};

/* What the stages' figures do not tell: what they counted for others, and what was counted before they began anew. */
struct fv_camera_carry {
    /* to be added */
    uint64_t access_units, bytes, lost, reconnects, failures, dropped_decode, dropped_queue;
    uint64_t tracks, rule_events, crossings, dwells; /* of a camera that is gone */
    /* to be taken off */
    uint64_t decoded, skipped, decode_dropped, late;
};

/*
 * Each camera has an index for as long as it is there; every stage calls it by that. A reload gives new cameras indexes that are
 * free: there is room for some more than the engine was opened with. An index that was freed is used again only after all that
 * were never used.
 */
#define FV_CAMERAS_SPARE 64

struct fv_camera_place {
    _Atomic bool used;   /* a camera is there */
    uint32_t id;         /* in ingest */
    uint64_t freed;      /* when: counts up; 0: never used */
};

struct fv_cameras {
    uint32_t count; /* indexes that were ever used */
    uint32_t room;
    struct fv_camera_place *places;    /* by index, as all the following */
    const char **names;                /* "" where there never was a camera; valid until finish; fv_cameras_name() */
    struct fv_camera_figures *figures;
    struct fv_camera_carry *carry;
    uint64_t freed; /* so far */
    struct fv_list known; /* names that were ever used */
};

/* Room for the enabled cameras of the configuration, which get the first indexes in its order. 0 or -ENOMEM. */
int fv_cameras_init(struct fv_cameras *cameras, const struct fv_config *config);
void fv_cameras_finish(struct fv_cameras *cameras);

/* What ingest is told of a camera. */
void fv_cameras_params(const struct fv_cameras *cameras, const struct fv_conf_camera *conf,
                       uint32_t index, struct fv_camera_params *ret_params);
/* The name at an index; any thread. */
const char *fv_cameras_name(const struct fv_cameras *cameras, uint32_t index);
/* Index of the camera that is there under this name, or -ENOENT. */
int64_t fv_cameras_find(const struct fv_cameras *cameras, const char *name);
/* The free index that was free for the longest time and is not marked in `taken` (room of them), or -ENOBUFS. */
int64_t fv_cameras_free_index(const struct fv_cameras *cameras, const bool *taken);
/* The text, as it stays valid until finish. NULL: out of memory. */
const char *fv_cameras_keep_name(struct fv_cameras *cameras, const char *name);
/* Fills and frees an index. `name`: kept. */
void fv_cameras_occupy(struct fv_cameras *cameras, uint32_t index, const char *name);
void fv_cameras_vacate(struct fv_cameras *cameras, uint32_t index);

/* Counts one result. `person` is the class number of persons, or -1. Result thread. */
void fv_cameras_count(struct fv_cameras *cameras, const struct fv_result *result, int person);

#endif
