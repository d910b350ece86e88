// SPDX-License-Identifier: Apache-2.0
/* What the checks of the doctor share. Private to doctor/. */
#ifndef FV_DOCTOR_DOCTOR_H
#define FV_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "fovea/doctor.h"
#include "gpu/gpu.h"

struct fv_doctor {
    const struct fv_doctor_params *params;
    struct fv_config *config; /* NULL: none, or not usable */
    bool cpu;                 /* the CPU back end was asked for */
    unsigned enabled;         /* cameras */
    bool server;              /* websocket.ENABLE_SERVER is true in the file */
    int port;
    char host[64];
    unsigned problems;
    int failure; /* sticky: -ENOMEM */
};

/* What is said about one check; `cure` only counts when something is wrong. */
struct fv_doctor_about {
    enum fv_doctor_state state;
    const char *id, *title, *why, *cure;
};
/* `format`: what was found. */
void fv_doctor_say(struct fv_doctor *doctor, struct fv_doctor_about about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What GPU-only operation would open; `config` may be NULL. */
struct fv_gpu_params fv_doctor_gpu(const struct fv_config *config);

/* The checks, in the order in which they are told. */
void fv_doctor_system(struct fv_doctor *doctor);  /* system.c */
void fv_doctor_limits(struct fv_doctor *doctor);  /* limits.c */
void fv_doctor_parts(struct fv_doctor *doctor);   /* engine_parts.c */
void fv_doctor_gpus(struct fv_doctor *doctor);    /* gpu.c: as a part of them */
void fv_doctor_storage(struct fv_doctor *doctor); /* storage.c */
void fv_doctor_cameras(struct fv_doctor *doctor); /* cameras.c */

/* ---- about the machine, also for machine.c ---- */

unsigned fv_system_cores(void); /* that this process may use, at least 1 */
double fv_system_memory_mb(
    double *ret_total); /* available now; of the container where it is limited; < 0: not known */
double fv_system_memory_needed_mb(unsigned cameras); /* roughly */
bool fv_system_may_nice(void);                       /* raise its priority (thread priority HIGH) */
bool fv_system_may_realtime(void);                   /* SCHED_RR (thread priority REALTIME) */
/* The first line of a file, without its end; false when there is none. size >= 1. */
bool fv_system_line(const char *path, char *line, size_t size);
/* A number in a file, or `fallback` (also for "max"). */
double fv_system_number(const char *path, double fallback);
/* Open files that so many cameras need. */
unsigned fv_system_files_needed(unsigned cameras);

/* Whether files can be made in the folder, or the folder itself where it does not exist. 0 or the
 * negative errno; `nearest` (PATH_MAX bytes): the folder that was looked at. */
int fv_storage_writable(const char *folder, char *nearest);

#endif
