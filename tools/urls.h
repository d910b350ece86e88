// SPDX-License-Identifier: Apache-2.0
/* Lists of camera addresses, from the command line and from files. */
#ifndef FV_TOOLS_URLS_H
#define FV_TOOLS_URLS_H

#include <stddef.h>

#define FV_TOOL_URLS_MAX 10000

struct fv_tool_url {
    char *text;     /* as given, with credentials: never print it */
    char *plain;    /* without */
    char where[80]; /* "cameras.txt line 3", "address 2" */
};

/* Zeroed at first. */
struct fv_tool_urls {
    struct fv_tool_url *items;
    size_t count, capacity;
};

/* Checks one address and appends it. `file` NULL: from the command line, and `line` counts arguments. Returns an enum fv_exit;
 * a failure was printed in the name of subcommand `tool`. */
int fv_tool_urls_add(struct fv_tool_urls *urls, const char *tool, const char *text,
                     const char *file, unsigned line);
/* One address a line; empty lines and what follows a # at the start of a line are left out. Returns as above. */
int fv_tool_urls_read(struct fv_tool_urls *urls, const char *tool, const char *path);
/* Wipes the credentials. */
void fv_tool_urls_finish(struct fv_tool_urls *urls);

#endif
