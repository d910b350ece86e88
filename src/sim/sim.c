// SPDX-License-Identifier: Apache-2.0
/* The public face: files -> clips -> cameras -> server. */
#include "fovea/sim.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim/server.h"
#include "sim/tls.h"

#define CAMERAS_MAX 4096
#define INPUTS_MAX 64
#define HELP_MAX (16 << 10)

struct fv_sim {
    struct fv_sim_site site;
    struct fv_sim_server *server;
    struct fv_sim_camera *cameras;
    struct fv_clip *clips[INPUTS_MAX];
    unsigned clip_count;
    struct fv_sim_tls *tls;
    struct fv_sim_fault_spec *faults;
    uint32_t *visits;
    char *user, *password;
};

static int check(const struct fv_sim_params *params, struct fv_error *err)
{
    if (!params->listen)
        return fv_error_set(err, -EINVAL, "no address to listen at");
    if (!params->input_count || params->input_count > INPUTS_MAX)
        return fv_error_set(err, -EINVAL, "the number of inputs must lie between 1 and %d",
                            INPUTS_MAX);
    if (!params->cameras || params->cameras > CAMERAS_MAX)
        return fv_error_set(err, -EINVAL, "the number of cameras must lie between 1 and %d",
                            CAMERAS_MAX);
    if (!params->user != !params->password)
        return fv_error_set(err, -EINVAL, "a user and a password are needed, or neither");
    if (params->user && strchr(params->user, ':'))
        return fv_error_set(err, -EINVAL, "a user name cannot contain ':'");
    if (params->transports > FV_SIM_UDP_ONLY)
        return fv_error_set(err, -EINVAL, "no such transports");
    if (params->fault_count > FV_SIM_FAULTS_MAX)
        return fv_error_set(err, -EINVAL, "more than %d faults", FV_SIM_FAULTS_MAX);
    return 0;
}

static int open_clips(struct fv_sim *sim, const struct fv_sim_params *params, struct fv_error *err)
{
    for (unsigned i = 0; i < params->input_count; i++) {
        const struct fv_clip_params clip = {
            .path = params->inputs[i], .codec = params->codec, .fps = params->fps};
        int rc = fv_clip_open(&clip, &sim->clips[i], err);
        if (rc < 0)
            return rc;
        sim->clip_count++;
    }
    return 0;
}

/* The first camera of each input plays from its start; the others begin at some key picture, and
 * each one's packets lie somewhere else within a picture's duration. */
static int make_cameras(struct fv_sim *sim, unsigned count)
{
    struct fv_rand *rand = &sim->site.rand;
    sim->cameras = fv_calloc(count, sizeof(*sim->cameras));
    if (!sim->cameras)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        struct fv_sim_camera *camera = &sim->cameras[i];
        camera->clip = sim->clips[i % sim->clip_count];
        if (i >= sim->clip_count)
            camera->first_au = fv_clip_next_key(
                camera->clip, (uint32_t)fv_rand_below(rand, camera->clip->au_count));
        camera->delay =
            (int64_t)(fv_rand_unit(rand) * (double)FV_S / fv_max64(1, (int64_t)camera->clip->fps));
    }
    sim->site.cameras = sim->cameras;
    sim->site.camera_count = count;
    sim->site.clips = (const struct fv_clip *const *)sim->clips;
    sim->site.clip_count = sim->clip_count;
    return 0;
}

static int set_auth(struct fv_sim *sim, const struct fv_sim_params *params)
{
    if (!params->user)
        return 0;
    sim->user = fv_strdup(params->user);
    sim->password = fv_strdup(params->password);
    sim->site.auth = (struct fv_sim_auth){sim->user, sim->password};
    return sim->user && sim->password ? 0 : -ENOMEM;
}

/* The only fault that names an input. */
static int check_size_change(const struct fv_sim *sim, const struct fv_sim_fault_spec *spec,
                             struct fv_error *err)
{
    const unsigned input = (unsigned)spec->own[0];
    if (strcmp(spec->fault->name, "size-change") != 0)
        return 0;
    if (input >= sim->clip_count)
        return fv_error_set(err, -EINVAL,
                            "fault size-change: there is no input %u; give another --input", input);
    for (unsigned i = 0; i < sim->clip_count; i++)
        if (sim->clips[i]->codec != sim->clips[input]->codec)
            return fv_error_set(err, -EINVAL,
                                "fault size-change: all inputs must have the same codec");
    return 0;
}

/* Behind open_clips() and make_cameras(). */
static int set_faults(struct fv_sim *sim, const struct fv_sim_params *params, struct fv_error *err)
{
    if (!params->fault_count)
        return 0;
    sim->faults = fv_calloc(params->fault_count, sizeof(*sim->faults));
    sim->visits = fv_calloc(params->cameras, sizeof(*sim->visits));
    if (!sim->faults || !sim->visits)
        return fv_error_set(err, -ENOMEM, "out of memory");
    for (unsigned i = 0; i < params->fault_count; i++) {
        int rc = fv_sim_fault_parse(params->faults[i], &sim->faults[i], err);
        if (rc == 0)
            rc = check_size_change(sim, &sim->faults[i], err);
        if (rc == 0 && !sim->faults[i].all && sim->faults[i].first >= params->cameras)
            rc = fv_error_set(err, -EINVAL, "fault %s: there is no camera %u",
                              sim->faults[i].fault->name, sim->faults[i].first);
        if (rc < 0)
            return rc;
    }
    sim->site.faults = sim->faults;
    sim->site.fault_count = params->fault_count;
    sim->site.visits = sim->visits;
    return 0;
}

static int set_tls(struct fv_sim *sim, const struct fv_sim_params *params, struct fv_error *err)
{
    const struct fv_sim_tls_params tls = {.cert = params->tls_cert,
                                          .key = params->tls_key,
                                          .self_signed = params->tls_self_signed,
                                          .cert_out = params->tls_cert_out};
    if (!tls.cert && !tls.key && !tls.self_signed)
        return tls.cert_out
                   ? fv_error_set(err, -EINVAL, "without TLS there is no certificate to write")
                   : 0;
    return fv_sim_tls_create(&tls, &sim->tls, err);
}

static int open_server(struct fv_sim *sim, const struct fv_sim_params *params, struct fv_error *err)
{
    static const unsigned via[] = {[FV_SIM_TCP_AND_UDP] = FV_SIM_VIA_TCP | FV_SIM_VIA_UDP,
                                   [FV_SIM_TCP_ONLY] = FV_SIM_VIA_TCP,
                                   [FV_SIM_UDP_ONLY] = FV_SIM_VIA_UDP};
    const struct fv_sim_server_params server = {
        .listen = params->listen, .site = &sim->site, .tls = sim->tls};
    sim->site.via = via[params->transports];
    sim->site.start = fv_now();
    return fv_sim_server_create(&server, &sim->server, err);
}

static int build(struct fv_sim *sim, const struct fv_sim_params *params, struct fv_error *err)
{
    fv_rand_seed(&sim->site.rand, params->seed ? params->seed : fv_rand_system());
    int rc = open_clips(sim, params, err);
    if (rc < 0)
        return rc;
    rc = make_cameras(sim, params->cameras);
    if (rc == 0)
        rc = set_auth(sim, params);
    if (rc < 0)
        return fv_error_set(err, rc, "out of memory");
    rc = set_faults(sim, params, err);
    if (rc == 0)
        rc = set_tls(sim, params, err);
    return rc < 0 ? rc : open_server(sim, params, err);
}

int fv_sim_open(const struct fv_sim_params *params, struct fv_sim **ret_sim, struct fv_error *err)
{
    int rc = check(params, err);
    if (rc < 0)
        return rc;
    struct fv_sim *sim = FV_NEW(struct fv_sim);
    if (!sim)
        return fv_error_set(err, -ENOMEM, "out of memory");
    rc = build(sim, params, err);
    if (rc < 0) {
        fv_sim_close(sim);
        return rc;
    }
    *ret_sim = sim;
    return 0;
}

const char *fv_sim_fault_help(void)
{
    static _Thread_local char text[HELP_MAX];
    struct fv_str out;
    fv_str_init(&out, text, sizeof(text));
    fv_sim_fault_write_help(&out);
    return text;
}

void fv_sim_close(struct fv_sim *sim)
{
    if (!sim)
        return;
    fv_sim_server_destroy(sim->server);
    for (unsigned i = 0; i < sim->clip_count; i++)
        fv_clip_destroy(sim->clips[i]);
    fv_sim_tls_destroy(sim->tls);
    fv_free(sim->faults);
    fv_free(sim->visits);
    fv_free(sim->cameras);
    fv_free(sim->user);
    fv_free(sim->password);
    fv_free(sim);
}

uint16_t fv_sim_port(const struct fv_sim *sim)
{
    return fv_sim_server_port(sim->server);
}
int fv_sim_run(struct fv_sim *sim)
{
    return fv_sim_server_run(sim->server);
}
void fv_sim_stop(struct fv_sim *sim)
{
    fv_sim_server_stop(sim->server);
}

void fv_sim_stats(const struct fv_sim *sim, struct fv_sim_stats *ret_stats)
{
    const struct fv_sim_counters *counters = &sim->site.counters;
    *ret_stats = (struct fv_sim_stats){
        .clients = fv_sim_server_clients(sim->server),
        .sessions_total = atomic_load(&counters->sessions),
        .packets = atomic_load(&counters->packets),
        .bytes = atomic_load(&counters->bytes),
        .late = atomic_load(&counters->late),
        .stalled = atomic_load(&counters->stalled),
    };
}
