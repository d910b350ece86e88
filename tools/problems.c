// SPDX-License-Identifier: Apache-2.0
#include "problems.h"

#include <stdlib.h>
#include <unistd.h>

bool fv_problems_marks(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(fileno(out)) && !(no_color && *no_color);
}

const char *fv_problems_severity(enum fv_severity severity)
{
    static const char *const names[] = {"error", "warning", "info", "obsolete"};
    return names[severity];
}

static const char *mark(enum fv_severity severity)
{
    static const char *const marks[] = {"❌", "⚠️ ", "ℹ️ ", "♻️ "};
    return marks[severity];
}

static void count(struct fv_problems *problems, enum fv_severity severity)
{
    unsigned *counters[] = {&problems->errors, &problems->warnings, &problems->infos,
                            &problems->obsolete};
    ++*counters[severity];
}

/* Before the key when it adds something to the place. */
static void print_head(FILE *out, const struct fv_problem *problem)
{
    if (fv_problems_marks(out))
        fprintf(out, "%s ", mark(problem->severity));
    if (*problem->file) /* else: of a run without a configuration file */
        fprintf(out, "%s:", problem->file);
    if (problem->line)
        fprintf(out, "%u:%u:", problem->line, problem->column);
    fprintf(out, "%s%s", *problem->file ? " " : "", fv_problems_severity(problem->severity));
    if (problem->key && *problem->key)
        fprintf(out, ": %s", problem->key);
    fprintf(out, " [%s]\n", problem->code);
}

void fv_problems_print(void *data, const struct fv_problem *problem)
{
    struct fv_problems *problems = data;
    FILE *out = problems->out;
    count(problems, problem->severity);
    print_head(out, problem);
    if (problem->excerpt && *problem->excerpt && problem->caret)
        fprintf(out, "    | %s\n    | %*s\n", problem->excerpt, (int)problem->caret, "^");
    fprintf(out, "    %s\n", problem->message);
    if (problem->fix && *problem->fix)
        fprintf(out, "    Fix: %s\n", problem->fix);
}

static void print_count(FILE *out, unsigned number, const char *one, const char *many)
{
    if (number)
        fprintf(out, ", %u %s", number, number == 1 ? one : many);
}

void fv_problems_summary(const struct fv_problems *problems, const char *file)
{
    FILE *out = problems->out;
    if (fv_problems_marks(out))
        fprintf(out, "%s ", problems->errors ? "❌" : "✅");
    if (problems->errors)
        fprintf(out, "%s: %u error%s", file, problems->errors, problems->errors == 1 ? "" : "s");
    else
        fprintf(out, "%s: ok", file);
    print_count(out, problems->warnings, "warning", "warnings");
    print_count(out, problems->infos, "note", "notes");
    print_count(out, problems->obsolete, "obsolete setting", "obsolete settings");
    fputc('\n', out);
}

json_t *fv_problems_json(void)
{
    return json_pack("{s:[], s:[], s:[], s:[]}", "errors", "warnings", "info", "obsolete");
}

void fv_problems_to_json(json_t *found, const struct fv_problem *problem)
{
    static const char *const lists[] = {"errors", "warnings", "info", "obsolete"};
    json_t *file = json_string(problem->file);
    if (!file) /* a file name need not be UTF-8; JSON must be */
        file = json_string("?");
    json_t *item =
        json_pack("{s:o, s:i, s:i, s:s, s:s, s:s, s:s}", "file", file, "line", (int)problem->line,
                  "column", (int)problem->column, "key", problem->key, "code", problem->code,
                  "message", problem->message, "fix", problem->fix);
    json_array_append_new(json_object_get(found, lists[problem->severity]), item);
}
