// SPDX-License-Identifier: Apache-2.0
/* `fovea config`: its subcommands and their options. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

#define NAME "config"

static const char help[] =
    "Usage: fovea config check FILE... [--machine] [--backend gpu|cpu] [--json]\n"
    "       fovea config show [-c FILE] [--defaults|--effective] [--backend gpu|cpu] [--json]\n"
    "       fovea config migrate OLD [-o NEW] [--dry-run] [--stage N] [--json]\n"
    "       fovea config rollback FILE\n"
    "       fovea config explain KEY...\n"
    "       fovea config schema\n"
    "       fovea config doc\n"
    "\n"
    "check     judges files: everything that is wrong, with the place, the reason and the fix\n"
    "show      prints each setting as it is in force, and where that comes from\n"
    "migrate   rewrites an older file so that it checks clean, and lists each change\n"
    "rollback  puts back what a migration replaced, byte for byte\n"
    "explain   says what is known about a setting: processing.BACKEND, or BACKEND\n"
    "schema    prints the JSON Schema of the configuration, for editors\n"
    "doc       prints the list of all settings (docs/config.md)\n"
    "\n"
    "  --machine          also the rules that need this machine: model, device, memory,\n"
    "                     permissions; the environment is applied as 'fovea run' does\n"
    "  --backend gpu|cpu  as if processing.BACKEND were this\n"
    "  -c, --config FILE  the file to show\n"
    "  --defaults         the defaults only\n"
    "  --effective        what is in force: defaults, file, environment, options (as without it)\n"
    "  -o, --output NEW   write this file; without it OLD is replaced, with a backup beside it\n"
    "  --dry-run          print the changes, write nothing\n"
    "  --stage N          1: only the first camera is enabled, 2: half of them, 3: all\n"
    "  --json             as one JSON object\n"
    "  -h, --help         this text\n"
    "\n"
    "A variable FOVEA_SECTION__NAME of the environment goes over the file:\n"
    "FOVEA_PROCESSING__GPU_BATCH_SIZE=4\n"
    "\n"
    "Exit codes: 0 no errors, 1 errors, 2 wrong usage or a file that cannot be read\n";

static void print(void *data, const char *text)
{
    fputs(text, data);
}

static int explain(const struct fv_config_options *o)
{
    int status = FV_EXIT_OK;
    if (o->count == 0)
        return fv_tool_usage(NAME, "explain needs a key");
    for (int i = 0; i < o->count; i++) {
        struct fv_error err = {0};
        if (fv_config_explain(o->words[i], print, stdout, &err) == 0)
            continue;
        fprintf(stderr, "fovea config: %s\n", err.text);
        status = FV_EXIT_FAILED;
    }
    return status;
}

static int document(const struct fv_config_options *o)
{
    if (o->count)
        return fv_tool_usage(NAME, "unexpected argument '%s'", o->words[0]);
    fv_config_document(print, stdout);
    return FV_EXIT_OK;
}

static int schema(const struct fv_config_options *o)
{
    if (o->count)
        return fv_tool_usage(NAME, "unexpected argument '%s'", o->words[0]);
    if (fv_config_schema(print, stdout) == 0)
        return FV_EXIT_OK;
    fprintf(stderr, "fovea config: out of memory\n");
    return FV_EXIT_FAILED;
}

/* A subcommand, and the options that it understands. */
static const struct command {
    const char *name;
    int (*run)(const struct fv_config_options *o);
    const char *options; /* letters of `names` */
} commands[] = {
    {"check", fv_config_run_check, "bjm"},
    {"show", fv_config_run_show, "bcdej"},
    {"migrate", fv_config_run_migrate, "ojns"},
    {"rollback", fv_config_run_rollback, ""},
    {"explain", explain, ""},
    {"schema", schema, ""},
    {"doc", document, ""},
};

static const struct option names[] = {
    {"backend", required_argument, NULL, 'b'},
    {"config", required_argument, NULL, 'c'},
    {"defaults", no_argument, NULL, 'd'},
    {"effective", no_argument, NULL, 'e'},
    {"json", no_argument, NULL, 'j'},
    {"machine", no_argument, NULL, 'm'},
    {"dry-run", no_argument, NULL, 'n'},
    {"output", required_argument, NULL, 'o'},
    {"stage", required_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool set_stage(struct fv_config_options *o, const char *text)
{
    if (strlen(text) == 1 && text[0] >= '1' && text[0] <= '3') {
        o->stage = (unsigned)(text[0] - '0');
        return true;
    }
    fv_tool_usage(NAME, "--stage takes 1, 2 or 3, not '%s'", text);
    return false;
}

/* Remembers one option. False: it is wrong, and that was said. */
static bool set_option(struct fv_config_options *o, int c, const char *text)
{
    switch (c) {
    case 'b':
        o->backend = text;
        if (!strcmp(text, "gpu") || !strcmp(text, "cpu"))
            return true;
        fv_tool_usage(NAME, "--backend takes gpu or cpu, not '%s'", text);
        return false;
    case 'c':
        o->config = text;
        return true;
    case 'd':
        o->defaults = true;
        return true;
    case 'j':
        o->json = true;
        return true;
    case 'm':
        o->machine = true;
        return true;
    case 'n':
        o->dry_run = true;
        return true;
    case 'o':
        o->output = text;
        return true;
    case 's':
        return set_stage(o, text);
    default: /* 'e' is what happens anyway */
        return true;
    }
}

static int dispatch(struct fv_config_options *o, const char *given)
{
    const char *word = o->count ? o->words[0] : NULL;
    const struct command *command = NULL;
    if (!word)
        return fv_tool_usage(NAME, "what should be done? check, show, migrate, rollback, explain, "
                                   "schema or doc");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (!strcmp(commands[i].name, word))
            command = &commands[i];
    if (!command)
        return fv_tool_usage(NAME,
                             "there is no '%s'; possible are check, show, migrate, rollback, "
                             "explain, schema and doc",
                             word);
    for (; *given; given++)
        for (size_t i = 0; names[i].name; i++)
            if (names[i].val == *given && !strchr(command->options, *given))
                return fv_tool_usage(NAME, "%s has no option --%s", word, names[i].name);
    o->words++;
    o->count--;
    return command->run(o);
}

static int run(int argc, char **argv)
{
    struct fv_config_options o = {0};
    char given[64] = "";
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "hc:o:", names, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return FV_EXIT_OK;
        }
        if (c == '?')
            return fv_tool_bad_option(NAME, argv);
        if (!set_option(&o, c, optarg))
            return FV_EXIT_USAGE;
        if (!strchr(given, c) && strlen(given) + 1 < sizeof(given))
            given[strlen(given)] = (char)c;
    }
    o.words = argv + optind;
    o.count = argc - optind;
    return dispatch(&o, given);
}

const struct fv_tool fv_tool_config = {
    .name = NAME,
    .summary = "check, show and migrate configuration files, explain settings",
    .run = run,
};
