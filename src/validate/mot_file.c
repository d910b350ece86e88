// SPDX-License-Identifier: Apache-2.0
#include "validate/mot_file.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

#define LINE_MAX_BYTES 1000
#define FIELDS 7 /* frame, id, left, top, width, height, confidence; more are not read */
#define WHOLE_MAX 1e15
#define NUMBER_MAX 1e9

/* What is under way. */
struct reading {
    FILE *file;
    const char *name;
    double least;
    struct fv_mot_rows rows;
    size_t room;
    uint32_t line;
    struct fv_error *err;
};

static int malformed(const struct reading *reading, const char *what)
{
    return fv_error_set(reading->err, -EBADMSG, "%s, line %u: %s.", reading->name, reading->line,
                        what);
}

static bool is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How many of the first FIELDS numbers the line has; less than 0 when something is no number. */
static int split(const char *text, double ret_fields[FIELDS])
{
    int count = 0;
    while (count < FIELDS) {
        char *end;
        while (*text == ' ' || *text == '\t')
            text++;
        if (*text == '\0' || *text == '\r' || *text == '\n')
            return count;
        ret_fields[count] = strtod(text, &end);
        if (end == text || (*end && !is_separator(*end)) || !isfinite(ret_fields[count]))
            return -1;
        count++;
        while (*end == ' ' || *end == '\t')
            end++;
        text = *end == ',' ? end + 1 : end;
    }
    return count;
}

static int parse(const struct reading *reading, const char *text, double ret_fields[FIELDS])
{
    const int count = split(text, ret_fields);
    if (count < 0)
        return malformed(reading, "there is something that is no number");
    if (count > 0 && count < FIELDS)
        return malformed(reading,
                         "a line holds frame, id, left, top, width, height, confidence at least");
    if (count == 0)
        return 0;
    for (int i = 0; i < 2; i++)
        if (ret_fields[i] != floor(ret_fields[i]) || fabs(ret_fields[i]) > WHOLE_MAX)
            return malformed(reading, "frame and id are whole numbers");
    for (int i = 2; i < FIELDS; i++)
        if (fabs(ret_fields[i]) > NUMBER_MAX)
            return malformed(reading, "a number is too large");
    return count;
}

static int make_room(struct reading *reading)
{
    if (reading->rows.count < reading->room)
        return 0;
    if (reading->room >= FV_MOT_ROWS_MAX)
        return fv_error_set(reading->err, -ENOTSUP, "%s has more than %d rows.", reading->name,
                            FV_MOT_ROWS_MAX);
    const size_t room = reading->room ? 2 * reading->room : 1024;
    struct fv_mot_row *list = fv_realloc(reading->rows.list, room * sizeof(*list));
    if (!list)
        return fv_error_set(reading->err, -ENOMEM, "Out of memory.");
    reading->rows.list = list;
    reading->room = room;
    return 0;
}

static int add_line(struct reading *reading, const char *text)
{
    double field[FIELDS];
    int r = parse(reading, text, field);
    if (r <= 0 || field[6] < reading->least)
        return r < 0 ? r : 0;
    r = make_room(reading);
    if (r < 0)
        return r;
    reading->rows.list[reading->rows.count++] = (struct fv_mot_row){.frame = (int64_t)field[0],
                                                                    .id = (int64_t)field[1],
                                                                    .x = field[2] - 1,
                                                                    .y = field[3] - 1,
                                                                    .width = field[4],
                                                                    .height = field[5],
                                                                    .line = reading->line};
    return 0;
}

/* `text` has room for LINE_MAX_BYTES and a NUL. 1; 0 at the end of the file. A NUL is in no text, and would hide what follows. */
static int read_line(struct reading *reading, char *text)
{
    size_t length = 0;
    int c = getc_unlocked(reading->file);
    if (c == EOF)
        return 0;
    if (reading->line++ == UINT32_MAX)
        return malformed(reading, "there are too many lines");
    for (; c != EOF && c != '\n'; c = getc_unlocked(reading->file)) {
        if (c == '\0')
            return malformed(reading, "this is no text");
        if (length == LINE_MAX_BYTES)
            return malformed(reading, "the line is too long");
        text[length++] = (char)c;
    }
    text[length] = '\0';
    return 1;
}

static int read_lines(struct reading *reading)
{
    char text[LINE_MAX_BYTES + 1];
    int r;
    while ((r = read_line(reading, text)) > 0) {
        r = add_line(reading, text);
        if (r < 0)
            return r;
    }
    if (r == 0 && ferror(reading->file))
        return fv_error_set(reading->err, -EIO, "Cannot read %s: %s.", reading->name,
                            strerror(errno));
    return r;
}

/* --- order and identity ---------------------------------------------------------------------- */

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_id(const void *a, const void *b)
{
    const struct fv_mot_row *x = a, *y = b;
    int order = compare(x->id, y->id);
    return order ? order : compare(x->frame, y->frame);
}

static int by_frame(const void *a, const void *b)
{
    const struct fv_mot_row *x = a, *y = b;
    int order = compare(x->frame, y->frame);
    return order ? order : compare(x->line, y->line);
}

/* Numbers the ids; rows are by id and frame. */
static int number_objects(struct reading *reading)
{
    struct fv_mot_rows *rows = &reading->rows;
    for (size_t i = 0; i < rows->count; i++) {
        struct fv_mot_row *row = &rows->list[i];
        if (i > 0 && by_id(row, row - 1) == 0) {
            reading->line = row->line > row[-1].line ? row->line : row[-1].line;
            return malformed(reading, "this id was in this frame before");
        }
        if (i == 0 || row->id != row[-1].id)
            rows->objects++;
        row->object = rows->objects - 1;
    }
    return 0;
}

static int check_frames(struct reading *reading)
{
    const struct fv_mot_rows *rows = &reading->rows;
    for (size_t i = FV_MOT_FRAME_ROWS_MAX; i < rows->count; i++)
        if (rows->list[i].frame == rows->list[i - FV_MOT_FRAME_ROWS_MAX].frame)
            return fv_error_set(reading->err, -ENOTSUP, "%s has more than %d boxes in one frame.",
                                reading->name, FV_MOT_FRAME_ROWS_MAX);
    return 0;
}

static int put_in_order(struct reading *reading)
{
    struct fv_mot_rows *rows = &reading->rows;
    if (rows->count == 0)
        return 0;
    qsort(rows->list, rows->count, sizeof(*rows->list), by_id);
    int r = number_objects(reading);
    if (r < 0)
        return r;
    qsort(rows->list, rows->count, sizeof(*rows->list), by_frame);
    return check_frames(reading);
}

int fv_mot_read(FILE *file, const char *name, double least, struct fv_mot_rows *ret_rows,
                struct fv_error *err)
{
    struct reading reading = {.file = file, .name = name, .least = least, .err = err};
    int r = read_lines(&reading);
    if (r == 0)
        r = put_in_order(&reading);
    if (r < 0) {
        fv_mot_rows_finish(&reading.rows);
        return r;
    }
    *ret_rows = reading.rows;
    return 0;
}

void fv_mot_rows_finish(struct fv_mot_rows *rows)
{
    fv_free(rows->list);
    *rows = (struct fv_mot_rows){0};
}
