// SPDX-License-Identifier: Apache-2.0
#include "urls.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/config.h"
#include "fovea/receiver.h"
#include "tool.h"

static int out_of_memory(const char *tool)
{
    fprintf(stderr, "fovea %s: out of memory\n", tool);
    return FV_EXIT_FAILED;
}

static bool grow(struct fv_tool_urls *urls)
{
    if (urls->count < urls->capacity)
        return true;
    size_t capacity = urls->capacity ? urls->capacity * 2 : 16;
    struct fv_tool_url *items = realloc(urls->items, capacity * sizeof(items[0]));
    if (!items)
        return false;
    urls->items = items;
    urls->capacity = capacity;
    return true;
}

int fv_tool_urls_add(struct fv_tool_urls *urls, const char *tool, const char *text,
                     const char *file, unsigned line)
{
    struct fv_receiver_url parsed;
    struct fv_error err = {0};
    struct fv_tool_url url = {0};
    if (file)
        snprintf(url.where, sizeof(url.where), "%.60s line %u", FV_SHOWN(file), line);
    else
        snprintf(url.where, sizeof(url.where), "address %u", line);
    if (urls->count == FV_TOOL_URLS_MAX)
        return fv_tool_usage(tool, "more than %d addresses", FV_TOOL_URLS_MAX);
    if (fv_receiver_parse_url(text, &parsed, &err) < 0)
        return fv_tool_usage(tool, "%s: %s", url.where, err.text);
    url.text = strdup(text);
    url.plain = strdup(parsed.plain);
    if (!url.text || !url.plain || !grow(urls)) {
        free(url.text);
        free(url.plain);
        return out_of_memory(tool);
    }
    urls->items[urls->count++] = url;
    return FV_EXIT_OK;
}

/* Without blanks around it. */
static char *trim(char *line)
{
    while (isspace((unsigned char)*line))
        line++;
    size_t size = strlen(line);
    while (size && isspace((unsigned char)line[size - 1]))
        line[--size] = '\0';
    return line;
}

static int read_lines(struct fv_tool_urls *urls, const char *tool, const char *path, FILE *file)
{
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    int code = FV_EXIT_OK;
    while (code == FV_EXIT_OK && getline(&line, &room, file) >= 0) {
        const char *text = trim(line);
        number++;
        if (*text && *text != '#')
            code = fv_tool_urls_add(urls, tool, text, path, number);
    }
    if (code == FV_EXIT_OK && ferror(file))
        code = fv_tool_usage(tool, "'%s' cannot be read: %s", path, strerror(errno));
    if (line)
        explicit_bzero(line, room);
    free(line);
    return code;
}

int fv_tool_urls_read(struct fv_tool_urls *urls, const char *tool, const char *path)
{
    struct fv_error err = {0};
    int fd = fv_config_open(path, &err);
    if (fd < 0)
        return fv_tool_usage(tool, "%s", err.text);
    FILE *file = fdopen(fd, "r");
    if (!file) {
        close(fd);
        return out_of_memory(tool);
    }
    int code = read_lines(urls, tool, path, file);
    fclose(file);
    return code;
}

void fv_tool_urls_finish(struct fv_tool_urls *urls)
{
    for (size_t i = 0; i < urls->count; i++) {
        explicit_bzero(urls->items[i].text, strlen(urls->items[i].text));
        free(urls->items[i].text);
        free(urls->items[i].plain);
    }
    free(urls->items);
    *urls = (struct fv_tool_urls){0};
}
