// SPDX-License-Identifier: Apache-2.0
/* One configuration while it is judged: what all of the checking code shares. Private to conf/. */
#ifndef FV_CONF_CHECK_H
#define FV_CONF_CHECK_H

#include <jansson.h>

#include "base/error.h"
#include "conf/locate.h"
#include "conf/report.h"
#include "conf/table.h"

#define FV_CONF_SIZE_MAX (4u << 20) /* bytes of a file */
#define FV_CONF_CAMERAS_MAX 4096
#define FV_CONF_NAME_MAX 64    /* characters of a camera's name */
#define FV_CONF_NAME_BYTES 127 /* and bytes */
#define FV_PATH_MAX 900
/* Beside the sections, for migration: what it set aside, and the cameras that a stage switched off. */
#define FV_KEPT "$kept"
#define FV_STAGE "$stage"

/* Variables of the environment that stand for settings. */
struct fv_env {
    struct fv_env_item *items;
    unsigned count;
};

struct fv_check {
    const char *text;
    size_t size;
    json_t *root;
    struct fv_map map;
    struct fv_report report;
    struct fv_env env;             /* owner of what the environment gave */
    struct fv_config *config;      /* being filled in */
    struct fv_conf_draft defaults; /* engine-wide defaults of cameras */
    uint32_t cameras;              /* node of that section, or FV_NODE_NONE */
    bool gpu_only;                 /* GPU-only operation is in force */
    bool resolve;                  /* look up PASSWORD_ENV and PASSWORD_FILE */
    bool stand_in;                 /* as in fv_config_params */
    bool blind;                    /* what the file says about cameras could not be read */
    int failure;                   /* sticky: -ENOMEM */
};

/* What a finding is about. */
struct fv_say {
    enum fv_severity severity;
    const char *code;
    uint32_t node;   /* its place; FV_NODE_NONE: the file as a whole */
    bool at_value;   /* the place is the value, not the key */
    const char *key; /* NULL: the node's path */
    const char *fix; /* NULL: "" */
};
/* The message follows printf-style: a complete sentence. Outside text in it went through
 * fv_mask_show(). */
void fv_say(struct fv_check *check, struct fv_say about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "cameras.RTSP_STREAMS[0].url" for a node. Returns `buffer`, FV_PATH_MAX bytes. */
char *fv_check_path(const struct fv_check *check, uint32_t node, char *buffer);
/* A setting of a section as the file gives it, or NULL; *ret_node (may be NULL): its node, or
 * FV_NODE_NONE. */
const json_t *fv_check_given(const struct fv_check *check, const char *section, const char *name,
                             uint32_t *ret_node);

/* env.c: FOVEA_SECTION__NAME of the environment, over what the file says. `root` must be an
 * object. */
void fv_env_apply(struct fv_check *check);
void fv_env_finish(struct fv_env *env);

/* load.c: judges a text. */
struct fv_judge {
    const struct fv_config_params *params;
    const char *text; /* instead of the file of params, `size` bytes; NULL: params */
    size_t size;
    bool resolve;      /* look up PASSWORD_ENV and PASSWORD_FILE */
    bool environment;  /* apply FOVEA_SECTION__NAME */
    unsigned findings; /* at most so many; 0: FV_FINDINGS_MAX */
    /* After everything was judged, before the findings are handed out; may be NULL. check->root is
     * NULL when the text is not JSON. */
    void (*look)(void *data, struct fv_check *check);
    void *data;
};
/* As fv_config_load(); ret_config may be NULL. */
int fv_conf_judge(const struct fv_judge *judge, struct fv_config **ret_config,
                  struct fv_error *err);
/* A whole file of at most FV_CONF_SIZE_MAX bytes (one more tells that it is larger), terminated.
 * 0, -ENOENT, -EACCES, -EIO (err), -ENOMEM. */
int fv_conf_read(const char *path, char **ret_text, size_t *ret_size, struct fv_error *err);

/* check.c: the sections and their settings. */
bool fv_check_is_ignored(const char *name); /* beside the sections */
void fv_check_sections(struct fv_check *check);
/* A member of a section or camera: finds its row, judges, stores. */
struct fv_member {
    const char *section;
    bool in_camera;
    uint32_t node;
    const json_t *value;
    struct fv_conf_draft *draft; /* where a camera's settings go */
};
void fv_check_member(struct fv_check *check, const struct fv_member *member);
/* True when the member must not be judged: it stands there twice. The second and later ones are
 * reported. */
bool fv_check_repeated(struct fv_check *check, uint32_t node);

/* value.c: type, bounds and words. True when the value may be stored. */
bool fv_value_check(struct fv_check *check, const struct fv_setting *setting, const json_t *value,
                    uint32_t node);
/* Stores a value of the right type; what was there is freed. 0 or -ENOMEM. */
int fv_value_store(const struct fv_setting *setting, const json_t *value, void *base);
/* The value that a row has in `base`, as new JSON: what is in force, whatever was written. NULL: out
 * of memory. */
json_t *fv_value_stored(const struct fv_setting *setting, const void *base);
/* JSON text without secrets; `name`: what the value is called, a plain name. NULL: out of memory.
 * Free with fv_free(). */
char *fv_value_shown(const char *name, const json_t *value);
/* Sets the defaults of all wired settings of `target` in `base`. 0 or -ENOMEM. */
int fv_value_defaults(enum fv_target target, void *base);
/* Frees what the wired settings of `target` hold in `base`. */
void fv_value_release(enum fv_target target, void *base);
/* True when `value` equals the JSON text `text` (NULL: never); numbers are compared as numbers,
 * words without case. */
bool fv_value_is(struct fv_check *check, const json_t *value, const char *text);

/* rules.c: what a row of the table says about one value; rules that join settings. */
void fv_rules_setting(struct fv_check *check, const struct fv_setting *setting, const json_t *value,
                      uint32_t node);
void fv_rules_file(struct fv_check *check);

/* cameras.c: RTSP_STREAMS in all its forms, after the sections. */
void fv_check_cameras(struct fv_check *check);
void fv_draft_finish(struct fv_conf_draft *draft);
void fv_camera_finish(struct fv_conf_camera *camera);

/* secret.c: the credentials that are in force, into camera->address. `own`: the camera's entry
 * itself refers to credentials. */
void fv_check_credentials(struct fv_check *check, struct fv_conf_draft *draft, uint32_t node,
                          bool own);

#endif
