// SPDX-License-Identifier: Apache-2.0
#include "conf/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/locate.h"
#include "conf/mask.h"

struct fv_finding {
    enum fv_severity severity;
    const char *code;
    size_t offset;
    const char *source;
    uint32_t node;
    unsigned order; /* in which it was found */
    char *key, *message, *fix;
};

#define BEFORE 50 /* characters of the line shown before the place, and behind it */
#define BEHIND 50

static bool make_room(struct fv_report *report)
{
    if (report->count < report->capacity)
        return true;
    unsigned capacity = report->capacity ? report->capacity * 2 : 16;
    struct fv_finding *items = fv_realloc(report->items, capacity * sizeof(*items));
    if (!items)
        return false;
    report->items = items;
    report->capacity = capacity;
    return true;
}

void fv_report_add(struct fv_report *report, const struct fv_about *about, const char *message,
                   const char *fix)
{
    if (about->severity == FV_SEVERITY_ERROR)
        report->errors++;
    if (report->count >= (report->limit ? report->limit : FV_FINDINGS_MAX)) {
        report->left_out++;
        return;
    }
    if (!make_room(report)) {
        report->failure = -ENOMEM;
        return;
    }
    struct fv_finding *finding = &report->items[report->count];
    char shown[1024];
    *finding = (struct fv_finding){
        .severity = about->severity,
        .code = about->code,
        .offset = about->offset,
        .source = about->source,
        .node = about->node,
        .order = report->count++,
        .key = fv_strdup(about->key),
        .message = fv_strdup(fv_redact(message, shown, sizeof(shown))),
        .fix = fv_strdup(fix),
    };
    if (!finding->key || !finding->message || !finding->fix)
        report->failure = -ENOMEM;
}

static int by_place(const void *a, const void *b)
{
    const struct fv_finding *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Moves by whole characters, at most `characters` of them, not beyond the line. */
static size_t back(const char *text, size_t at, unsigned characters)
{
    while (at > 0 && text[at - 1] != '\n') {
        if (((unsigned char)text[at] & 0xC0) != 0x80 && characters-- == 0)
            break;
        at--;
    }
    return at;
}

static size_t forth(const char *text, size_t size, size_t at, unsigned characters)
{
    while (at < size && text[at] != '\n' && text[at] != '\r') {
        if (((unsigned char)text[at] & 0xC0) != 0x80 && characters-- == 0)
            break;
        at++;
    }
    return at;
}

static unsigned excerpt(const char *text, size_t size, size_t offset, char *out, size_t room)
{
    if (offset == FV_NOWHERE || !text) {
        out[0] = '\0';
        return 0;
    }
    if (offset > size)
        offset = size;
    size_t start = offset == size && (size == 0 || text[size - 1] == '\n')
                       ? size
                       : back(text, offset == size ? size - 1 : offset, BEFORE);
    size_t end = forth(text, size, offset, BEHIND);
    size_t caret = fv_mask_print((struct fv_slice){text + start, offset - start}, out, room);
    size_t used = strlen(out);
    /* A run of masked bytes must not be cut in two. */
    while (offset < end && offset > start && text[offset] == FV_MASK && text[offset - 1] == FV_MASK)
        offset++;
    fv_mask_print((struct fv_slice){text + offset, end - offset}, out + used, room - used);
    return (unsigned)caret + 1;
}

static void emit_left_out(const struct fv_report *report, const char *file, fv_problem_fn problem,
                          void *data)
{
    char buffer[120];
    struct fv_str message;
    fv_str_init(&message, buffer, sizeof(buffer));
    fv_str_addf(&message, "%u more findings are not shown.", report->left_out);
    problem(data, &(struct fv_problem){
                      .severity = FV_SEVERITY_INFO,
                      .code = "too_many_findings",
                      .file = file,
                      .key = "",
                      .message = buffer,
                      .fix = "Correct what is shown, then check again.",
                      .excerpt = "",
                  });
}

void fv_report_emit(struct fv_report *report, const char *file, char *text, size_t size,
                    fv_problem_fn problem, void *data)
{
    char line[(BEFORE + BEHIND + 2) * 4 + 8], name[1024];
    file = fv_redact(file, name, sizeof(name));
    struct fv_place place = {0, 1, 1};
    if (report->count == 0)
        return;
    if (text)
        fv_mask_text(text, size);
    qsort(report->items, report->count, sizeof(*report->items), by_place);
    for (unsigned i = 0; i < report->count; i++) {
        const struct fv_finding *finding = &report->items[i];
        bool placed = text && finding->offset != FV_NOWHERE;
        if (placed)
            fv_place_advance(&place, text, size, finding->offset);
        char source[256]; /* a variable's name, of any environment */
        unsigned caret = excerpt(text, size, finding->offset, line, sizeof(line));
        problem(
            data,
            &(struct fv_problem){
                .severity = finding->severity,
                .code = finding->code,
                .file = finding->source ? fv_redact(finding->source, source, sizeof(source)) : file,
                .line = placed ? place.line : 0,
                .column = placed ? place.column : 0,
                .key = finding->key,
                .message = finding->message,
                .fix = finding->fix,
                .excerpt = line,
                .caret = caret,
            });
    }
    if (report->left_out)
        emit_left_out(report, file, problem, data);
}

bool fv_report_error(const struct fv_report *report, unsigned n, struct fv_about *ret_about,
                     const char **ret_message)
{
    for (unsigned i = 0; i < report->count; i++) {
        const struct fv_finding *finding = &report->items[i];
        if (finding->severity != FV_SEVERITY_ERROR || n-- > 0)
            continue;
        *ret_about = (struct fv_about){.severity = finding->severity,
                                       .code = finding->code,
                                       .key = finding->key,
                                       .offset = finding->offset,
                                       .source = finding->source,
                                       .node = finding->node};
        *ret_message = finding->message;
        return true;
    }
    return false;
}

void fv_report_free(struct fv_report *report)
{
    for (unsigned i = 0; i < report->count; i++) {
        fv_free(report->items[i].key);
        fv_free(report->items[i].message);
        fv_free(report->items[i].fix);
    }
    fv_free(report->items);
    *report = (struct fv_report){0};
}
