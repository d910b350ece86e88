// SPDX-License-Identifier: Apache-2.0
#include "doctor/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

void fv_doctor_say(struct fv_doctor *doctor, struct fv_doctor_about about, const char *format, ...)
{
    char found[1200], shown[sizeof(found)];
    va_list args;
    va_start(args, format);
    vsnprintf(found, sizeof(found), format, args);
    va_end(args);
    for (char *c = found; *c; c++) /* from files and peers: nothing that moves a cursor */
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' ';
    doctor->problems += about.state == FV_DOCTOR_PROBLEM;
    if (doctor->params->finding)
        doctor->params->finding(doctor->params->data,
                                &(struct fv_doctor_finding){
                                    .state = about.state,
                                    .id = about.id,
                                    .title = about.title,
                                    .found = fv_redact(found, shown, sizeof(shown)),
                                    .why = about.why,
                                    .cure = about.state == FV_DOCTOR_OK ? "" : about.cure,
                                });
}

/* The findings about the file, in short: `fovea config check` tells them at length. */
struct verdict {
    struct fv_doctor *doctor;
    unsigned errors, warnings;
    char first[400];
};

static void count(void *data, const struct fv_problem *problem)
{
    struct verdict *verdict = data;
    verdict->warnings += problem->severity == FV_SEVERITY_WARNING;
    if (problem->severity != FV_SEVERITY_ERROR || verdict->errors++ > 0)
        return;
    snprintf(verdict->first, sizeof(verdict->first), "%s:%u: %s", problem->file, problem->line,
             problem->message);
}

static void look(void *data, struct fv_check *check)
{
    struct verdict *verdict = data;
    struct fv_doctor *doctor = verdict->doctor;
    const char *host = fv_conf_text(check, "websocket.HOST");
    const char *backend = fv_conf_text(check, "processing.BACKEND");
    doctor->cpu = backend && !strcasecmp(backend, "cpu"); /* also of a file with errors */
    doctor->server = fv_conf_number(check, "websocket.ENABLE_SERVER", 0) != 0;
    doctor->port = (int)fv_conf_number(check, "websocket.PORT", 6008);
    snprintf(doctor->host, sizeof(doctor->host), "%s", host ? host : "127.0.0.1");
}

static void check_configuration(struct fv_doctor *doctor)
{
    struct verdict verdict = {.doctor = doctor};
    struct fv_error err = {0};
    struct fv_config_params params = {.path = doctor->params->path,
                                      .backend = doctor->params->backend,
                                      .problem = count,
                                      .data = &verdict,
                                      .look = look,
                                      .look_data = &verdict};
    struct fv_doctor_about about = {FV_DOCTOR_PROBLEM, "configuration", "configuration",
                                    "The engine does not start with a wrong configuration.",
                                    "Run 'fovea config check --machine' on it."};
    int r = fv_config_load(&params, &doctor->config, &err);
    if (r == -ENOMEM)
        doctor->failure = r;
    else if (r < 0 && verdict.errors)
        fv_doctor_say(doctor, about, "%u error%s; the first: %s", verdict.errors,
                      verdict.errors == 1 ? "" : "s", verdict.first);
    else if (r < 0)
        fv_doctor_say(doctor, about, "%s", err.text);
    else
        fv_doctor_say(
            doctor,
            (struct fv_doctor_about){.state = FV_DOCTOR_OK, about.id, about.title, about.why, ""},
            "%s: no errors, %u warning%s", doctor->params->path, verdict.warnings,
            verdict.warnings == 1 ? "" : "s");
}

int fv_doctor(const struct fv_doctor_params *params)
{
    struct fv_doctor doctor = {.params = params};
    if (params->path)
        check_configuration(&doctor);
    doctor.cpu = params->backend ? !strcmp(params->backend, "cpu")
                 : doctor.config ? doctor.config->processing.backend == FV_BACKEND_CPU
                                 : doctor.cpu;
    for (unsigned i = 0; doctor.config && i < doctor.config->cameras.count; i++)
        doctor.enabled += doctor.config->cameras.items[i].enabled;
    fv_doctor_system(&doctor);
    fv_doctor_limits(&doctor);
    fv_doctor_parts(&doctor);
    fv_doctor_storage(&doctor);
    fv_doctor_cameras(&doctor);
    fv_config_free(doctor.config);
    return doctor.failure < 0 ? doctor.failure : (int)doctor.problems;
}
