// SPDX-License-Identifier: Apache-2.0
/*
 * The one table of settings. The parser, the bounds, the defaults, `fovea config explain` and
 * docs/config.md all come from it: a setting is added by adding its row, and nowhere else. Rules
 * that join several settings stand in rules.c.
 */
#ifndef FV_CONF_TABLE_H
#define FV_CONF_TABLE_H

#include <stddef.h>

#include "conf/conf.h"

enum fv_kind {
    FV_KIND_BOOL,    /* stored as bool */
    FV_KIND_INT,     /* whole number; int */
    FV_KIND_NUMBER,  /* double */
    FV_KIND_STRING,  /* char *, NULL when absent or null */
    FV_KIND_WORD,    /* one of `words`, ASCII case ignored; int */
    FV_KIND_LIST,    /* of strings and whole numbers; struct fv_conf_strings */
    FV_KIND_CAMERAS, /* RTSP_STREAMS; cameras.c */
    FV_KIND_AREAS,   /* ZONES, LINES; zones.c */
    FV_KIND_ANY,     /* not looked into */
};

/* What a setting does in this version. */
enum fv_effect {
    FV_EFFECT_WIRED, /* it has behaviour: `target` says where its value goes */
    FV_EFFECT_RULE,  /* checked: it can only say what holds anyway */
    FV_EFFECT_LATER, /* accepted; what it is about does not exist in this version: reported unless it
                        equals `already` */
    FV_EFFECT_NONE,  /* accepted for old files; Fovea does not need it: information */
    FV_EFFECT_OBSOLETE, /* reported with its replacement */
};

enum fv_scope {
    FV_SCOPE_SECTION, /* in its section only */
    FV_SCOPE_CAMERA,  /* in an entry of RTSP_STREAMS only */
    FV_SCOPE_BOTH,    /* in an entry of RTSP_STREAMS, and in `cameras` as the default of all */
};

enum fv_setting_flag {
    FV_MAY_NULL = 1, /* null means "not given" */
    FV_MAY_AUTO = 2, /* "auto" is accepted and stored as 0 */
    FV_OPEN_MIN = 4, /* `min` itself is refused */
    FV_GPU = 8, /* a rule of GPU-only operation: with BACKEND "cpu" what it finds is information */
    FV_MAY_NUMBER = 16, /* a word may also be given as its number */
    FV_AS_TEXT = 32,    /* a word that is stored as char *, spelt as in `words` */
    FV_AS_BOOL = 64,    /* a word whose value is stored as bool */
    FV_GPU_SETTING = 512, /* has behaviour on the GPU only: with BACKEND "cpu" it is "not used" */
    FV_LIVE = 256,      /* a reload takes it over without a restart */
    FV_MAY_WORD = 128,  /* a whole number may also be given as one of `words` */
};

struct fv_word {
    const char *name; /* NULL ends the list */
    int value;        /* stored; with FV_MAY_NUMBER also accepted */
    const char *warn; /* a warning that this word earns, or NULL */
    bool gpu_error;   /* refused in GPU-only mode; `why` of the setting says why */
    bool later;       /* understood, not supported in this version: an error */
};

/* Where a wired value is stored. */
enum fv_target { FV_TARGET_NONE, FV_TARGET_CONFIG, FV_TARGET_DRAFT };

/* A camera while it is read: the camera and what only serves to fill it in. */
struct fv_conf_draft {
    struct fv_conf_camera camera;
    char *username, *password_env, *password_file;
};

struct fv_setting {
    const char *section;
    const char *name; /* a trailing '*' stands for a family: NVENC_* */
    enum fv_kind kind;
    enum fv_scope scope;
    enum fv_effect effect;
    unsigned flags; /* enum fv_setting_flag */
    enum fv_target target;
    size_t offset;            /* into struct fv_config or struct fv_conf_draft */
    const char *unit;         /* NULL: none */
    const char *value;        /* default as JSON text; NULL: none */
    const char *older;        /* the Python pipeline's default before tuning; NULL: the same */
    const char *default_note; /* of a default that JSON cannot say, for people; NULL: none */
    double min, max;          /* bounds; none when equal */
    const struct fv_word *words;
    const char *help;    /* what it is: a phrase, no capital, no full stop */
    const char *must;    /* JSON text of the only value that GPU-only operation allows */
    double warn_above;   /* a warning above this; 0: none */
    const char *warn_at; /* JSON text of a value that earns a warning */
    const char *info_at; /* JSON text of a value that earns information */
    const char *already; /* LATER, NONE: JSON text of the value that describes what happens anyway */
    const char *lacks;   /* LATER: what this version does not have: "no server for viewers" */
    const char *why;     /* sentence: the reason of must, warn_*, info_at, gpu_error or NONE */
    const char *instead; /* OBSOLETE: what to do, a sentence */
    const char *rule;    /* sentence, for people: rules that stand in rules.c and not in the row */
};

extern const struct fv_setting fv_settings[];
extern const size_t fv_setting_count;

/* Sections in the order of the documentation; NULL ends the list. */
struct fv_section {
    const char *name;
    const char *help; /* a sentence */
};
extern const struct fv_section fv_sections[];

/* What a finding may be called, for the documentation; NULL ends the list. */
struct fv_code {
    const char *name;
    const char *severity; /* "error", "warning", ... */
    const char *help;     /* a sentence */
};
extern const struct fv_code fv_codes[];

const struct fv_section *fv_section_find(const char *name);
/* The row for a key in a section (in_camera: in an entry of RTSP_STREAMS), families included; or
 * NULL. */
const struct fv_setting *fv_setting_find(const char *section, const char *name, bool in_camera);
/* "true or false", "a whole number", ...; for messages and the documentation. */
const char *fv_kind_name(enum fv_kind kind);
const char *fv_effect_name(enum fv_effect effect);

#endif
