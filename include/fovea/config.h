// SPDX-License-Identifier: Apache-2.0
/* What there is to say about a configuration file. Settings, rules and codes: docs/config.md. Any
 * thread. */
#ifndef FOVEA_CONFIG_H
#define FOVEA_CONFIG_H

#include <stdbool.h>

#include "fovea/error.h"

enum fv_severity { FV_SEVERITY_ERROR, FV_SEVERITY_WARNING, FV_SEVERITY_INFO, FV_SEVERITY_OBSOLETE };

/* One finding about a configuration. Borrowed: valid during the callback only. Never shows a
 * secret. */
struct fv_problem {
    enum fv_severity severity;
    const char *code;      /* stable: "syntax", "unknown_key", "wrong_type", "out_of_range",
                              "gpu_only_conflict", ... (docs/config.md) */
    const char *file;      /* as given */
    unsigned line, column; /* from 1; 0 when there is no place; columns count characters */
    const char *key;       /* "processing.BACKEND", "cameras.RTSP_STREAMS[0].url", or "" */
    const char *message;   /* what is wrong and why */
    const char *fix;       /* what to do, or "" */
    const char *excerpt;   /* the line around the place, with secrets masked; NULL or "": none */
    unsigned caret;        /* the place in the excerpt, in characters from 1; 0: none */
};

typedef void (*fv_problem_fn)(void *data, const struct fv_problem *problem);

/* Judges the file alone: no device, no network, no file that it names. Each finding goes to
 * `problem` in the order of the file. `backend` ("gpu", "cpu") overrides processing.BACKEND; NULL:
 * none. 0: no errors; -EINVAL: there are errors (each was reported; also when `backend` is neither:
 * then err says so); -ENOENT, -EACCES, -EIO: it cannot be read (err); -ENOMEM. */
FV_API int fv_config_check(const char *path, const char *backend, fv_problem_fn problem, void *data,
                           struct fv_error *err);

/* Opens a file of settings or addresses for reading, as all of this library does. What a shell makes of <(...), /dev/stdin and other
 * devices are as good as a file, but can be read only once. A named pipe elsewhere is refused: nobody may ever write to it. Returns a
 * descriptor, or -ENOENT, -EACCES, -EIO (err). */
FV_API int fv_config_open(const char *path, struct fv_error *err);

/* Receives text in pieces. */
typedef void (*fv_text_fn)(void *data, const char *text);

/* All that is known about a setting, as plain text. `key`: "processing.BACKEND", or a bare name:
 * then every section that has it. 0, or -ENOENT: err proposes the nearest name. */
FV_API int fv_config_explain(const char *key, fv_text_fn text, void *data, struct fv_error *err);
/* docs/config.md. */
FV_API void fv_config_document(fv_text_fn text, void *data);
/* JSON Schema (draft 2020-12) of the configuration, for editors; docs/config.schema.json. 0 or
 * -ENOMEM. */
FV_API int fv_config_schema(fv_text_fn text, void *data);

/* Where a value comes from; a later one of these goes over the earlier ones. */
enum fv_origin {
    FV_ORIGIN_DEFAULT,
    FV_ORIGIN_FILE,
    FV_ORIGIN_ENVIRONMENT,  /* a variable FOVEA_SECTION__NAME */
    FV_ORIGIN_COMMAND_LINE, /* an option */
    FV_ORIGIN_RULE,         /* follows from another setting */
};

/* One setting as it is in force. Borrowed: valid during the callback only. Never shows a secret. */
struct fv_config_value {
    const char *key;   /* "processing.BACKEND", "cameras.RTSP_STREAMS[0].url" */
    const char *value; /* JSON text */
    const char *note;  /* what JSON cannot say about a default, for people; or "" */
    enum fv_origin origin;
    const char *source; /* the file, variable, option or setting; "" for defaults */
    unsigned line;      /* in the file, from 1; 0: none */
};

typedef void (*fv_config_value_fn)(void *data, const struct fv_config_value *value);

struct fv_config_show_params {
    const char *path;    /* NULL: no file */
    const char *backend; /* as given on the command line; NULL: none */
    bool defaults;       /* the defaults only: no file, no environment, no command line */
    fv_config_value_fn value;
    fv_problem_fn problem; /* findings; may be NULL */
    void *data;            /* of both */
};

/* Every setting in the order of the documentation, then every camera. Errors in the file or the
 * environment: no value, -EINVAL. Without a file it is no error that there is no camera. Otherwise
 * as fv_config_check(). */
FV_API int fv_config_show(const struct fv_config_show_params *params, struct fv_error *err);

/* What migration does to a file. */
enum fv_change_kind {
    FV_CHANGE_FORM,     /* written differently, the meaning is the same */
    FV_CHANGE_DEFAULT,  /* the default of the Python pipeline became Fovea's */
    FV_CHANGE_REPLACED, /* an obsolete setting gave its value to its successor */
    FV_CHANGE_REMOVED,  /* it has no meaning any more */
    FV_CHANGE_KEPT,     /* not known: moved to "$kept" beside the sections */
    FV_CHANGE_FORCED,   /* the meaning changes, because Fovea refuses the old one */
    FV_CHANGE_STAGE,    /* a camera switched on or off for a stage */
    FV_CHANGE_NOTE,     /* nothing changed, but a person should look at it */
};

/* Borrowed: valid during the callback only. Never shows a secret. */
struct fv_config_change {
    enum fv_change_kind kind;
    const char *key;            /* where it stood: "processing.GPU_BATCH_SIZE" */
    const char *before, *after; /* JSON text, cut when long; "" for none */
    const char *reason;         /* a sentence */
};

typedef void (*fv_config_change_fn)(void *data, const struct fv_config_change *change);

struct fv_config_migrate_params {
    const char *path;
    const char *output; /* the new file; NULL: `path` is replaced */
    bool dry_run;       /* writes nothing */
    unsigned stage;     /* 1: one camera, 2: half of them, 3: all; 0: cameras stay as they are */
    fv_config_change_fn change; /* may be NULL */
    fv_problem_fn problem;      /* why it cannot be migrated; may be NULL */
    void *data;                 /* of both */
};

struct fv_config_migrated {
    unsigned changes, forced, notes; /* changes: without the notes; forced ones are among them */
    bool written;
    char backup[1100]; /* what stood there before (or the old file), byte for byte; "" for none */
};

/* Rewrites an older configuration so that it checks without errors; running it again changes
 * nothing. The new file is there as a whole or not at all. Where nothing changes and nothing is
 * asked to be written elsewhere, nothing is written. 0; -EINVAL: it is not JSON, too large or too
 * deep (reported); -ENOENT, -EACCES, -EIO: a file cannot be read or written (err); -ENOMEM. */
FV_API int fv_config_migrate(const struct fv_config_migrate_params *params,
                             struct fv_config_migrated *ret_migrated, struct fv_error *err);
/* Undoes the last migration that wrote `path`, byte for byte; can be repeated for the one before.
 * What stood there until now goes to PATH.rolled-back, an older one of that name to
 * PATH.rolled-back-N. 0, -ENOENT: no migration is on record, -EIO,
 * -EACCES, -EBADMSG: the record is damaged; err says more. */
FV_API int fv_config_rollback(const char *path, struct fv_error *err);

#endif
