// SPDX-License-Identifier: Apache-2.0
/* The camera simulator: an RTSP server that plays one file as many cameras, from one thread. */
#ifndef FOVEA_SIM_H
#define FOVEA_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/error.h"

struct fv_sim;

/* What SETUP accepts; other offers are answered by 461. */
enum fv_sim_transports { FV_SIM_TCP_AND_UDP, FV_SIM_TCP_ONLY, FV_SIM_UDP_ONLY };

struct fv_sim_params {
    const char *listen;   /* "ADDR:PORT", "[v6]:PORT"; port 0: any free one */
    const char *const *inputs; /* input_count files; camera i plays inputs[i % input_count] */
    unsigned input_count;
    const char *codec;    /* "h264", "h265" for raw streams that cannot be guessed; NULL: by content */
    unsigned cameras;     /* /cam0 ... /cam<N-1>; 1..4096 */
    double fps;           /* 0: the file's own, 25 for raw streams that do not say */
    const char *user, *password; /* NULL: no authentication; else Digest */
    uint64_t seed;        /* phases, SSRCs, faults; 0: from the system */
    enum fv_sim_transports transports;
    /* TLS (rtsps://, nothing else then): a certificate chain and its key, PEM files... */
    const char *tls_cert, *tls_key;
    bool tls_self_signed;     /* ...or a new certificate for localhost, 127.0.0.1 and ::1 */
    const char *tls_cert_out; /* file that is written with the certificate, PEM; NULL: none */
    const char *const *faults; /* fault_count specifications, NAME[:key=value,...]; at most 32 */
    unsigned fault_count;
};

struct fv_sim_stats {
    uint64_t clients, sessions_total; /* connected now; PLAY accepted since the start */
    uint64_t packets, bytes;
    uint64_t late;     /* packets sent more than 20 ms after their time */
    uint64_t stalled;  /* packets not sent because the client did not read */
};

/* Reads and packetizes the inputs, binds the socket. Borrows params during the call. 0 or negative errno: -EINVAL (a wrong value, an
 * unknown fault or key: `err` names it and the nearest one), -EADDRINUSE, -ENOENT, -EBADMSG, -ENOTSUP... */
FV_API int fv_sim_open(const struct fv_sim_params *params, struct fv_sim **ret_sim, struct fv_error *err);
FV_API uint16_t fv_sim_port(const struct fv_sim *sim);
/* Serves on the calling thread until fv_sim_stop(). */
FV_API int fv_sim_run(struct fv_sim *sim);
FV_API void fv_sim_stop(struct fv_sim *sim); /* any thread, async-signal-safe */
FV_API void fv_sim_stats(const struct fv_sim *sim, struct fv_sim_stats *ret_stats); /* any thread */
/* The text of `--fault help`: all faults and keys. Valid until the thread ends. */
FV_API const char *fv_sim_fault_help(void);
FV_API void fv_sim_close(struct fv_sim *sim); /* after run returned; NULL is fine */

#endif
