// SPDX-License-Identifier: Apache-2.0
/* `fovea validate`: how good results are. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fovea/validate.h"
#include "integrity.h"
#include "tool.h"

#define NAME "validate"

static const char help[] =
    "fovea validate - how good results are\n"
    "\n"
    "Usage: fovea validate accuracy --gt FILE --tracks FILE [--format mot] [--json]\n"
    "       fovea validate accuracy --gt FILE --detections FILE --format coco [OPTIONS]\n"
    "       fovea validate integrity [OPTIONS] FILE\n"
    "\n"
    "accuracy compares tracks or detections with ground truth; integrity analyses a file twice "
    "and\n"
    "compares the events ('fovea validate integrity --help').\n"
    "\n"
    "  --gt FILE          what there was\n"
    "  --tracks FILE      tracks that were found\n"
    "  --detections FILE  boxes that were found\n"
    "  --format FORMAT    mot: MOTChallenge text of 2015 (frame, id, left, top, width, height,\n"
    "                     confidence; counted from 1), for --tracks; the default there\n"
    "                     coco: COCO's JSON, for --detections; the default there\n"
    "  --min-score S      coco: precision, recall and F1 count boxes from this score up (default "
    "0)\n"
    "  --json             one JSON object; a number that is not defined is null\n"
    "  -h, --help         this text\n"
    "\n"
    "MOTA, MOTP, IDF1 and the counts are those of py-motmetrics 1.4.0 (MOTP is the mean of 1 - "
    "IoU:\n"
    "0 is best), AP those of pycocotools; docs/tracking.md tells more.\n"
    "\n"
    "Examples:\n"
    "  fovea validate accuracy --gt gt.txt --tracks tracks.txt --json\n"
    "  fovea validate accuracy --gt instances.json --detections results.json --min-score 0.25\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage or a file that cannot be read or understood\n";

struct options {
    const char *truth, *tracks, *detections, *format;
    double min_score;
    bool json, help, min_score_given;
};

/* One line of output. */
struct row {
    const char *name;
    bool whole;
    double number;
    uint64_t count;
    const char *meaning;
};

static json_t *row_json(const struct row *row)
{
    if (row->whole)
        return json_integer((json_int_t)row->count);
    return isfinite(row->number) ? json_real(row->number) : json_null();
}

static void print_rows(const struct row *rows, size_t count, bool json)
{
    json_t *object = json ? json_object() : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct row *row = &rows[i];
        if (json)
            json_object_set_new(object, row->name, row_json(row));
        else if (row->whole)
            printf("  %-21s %12" PRIu64 "  %s\n", row->name, row->count, row->meaning);
        else if (isfinite(row->number))
            printf("  %-21s %12.6f  %s\n", row->name, row->number, row->meaning);
        else
            printf("  %-21s %12s  %s\n", row->name, "-", row->meaning);
    }
    if (json) {
        json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
        putchar('\n');
    }
    json_decref(object);
}

#define NUMBER(s, field, text)                                                                     \
    {                                                                                              \
#field, false, (s)->field, 0, text                                                         \
    }
#define COUNT(s, field, text)                                                                      \
    {                                                                                              \
#field, true, 0, (s)->field, text                                                          \
    }

static void print_mot(const struct fv_mot_scores *s, bool json)
{
    const struct row rows[] = {
        NUMBER(s, mota, "1 - (misses + switches + false positives) / objects"),
        NUMBER(s, motp, "mean of 1 - IoU: 0 is best"),
        NUMBER(s, idf1, "boxes under the right id: F1"),
        NUMBER(s, idp, "of the boxes found"),
        NUMBER(s, idr, "of the objects' boxes"),
        COUNT(s, num_switches, "found under another id than before"),
        COUNT(s, num_fragmentations, "lost and found again"),
        COUNT(s, mostly_tracked, "objects found in 80 % of their frames or more"),
        COUNT(s, partially_tracked, "objects"),
        COUNT(s, mostly_lost, "objects found in less than 20 %"),
        COUNT(s, num_false_positives, "boxes"),
        COUNT(s, num_misses, "boxes"),
        COUNT(s, num_matches, "boxes"),
        NUMBER(s, precision, "of the boxes found"),
        NUMBER(s, recall, "of the objects' boxes"),
        COUNT(s, num_frames, "with a box in either file"),
        COUNT(s, num_objects, "boxes in the ground truth"),
        COUNT(s, num_predictions, "boxes in the tracks"),
        COUNT(s, num_unique_objects, "ids in the ground truth"),
    };
    print_rows(rows, sizeof(rows) / sizeof(rows[0]), json);
}

static void print_coco(const struct fv_coco_scores *s, bool json)
{
    const struct row rows[] = {
        NUMBER(s, ap50_95, "average precision, mean over IoU 0.50 to 0.95"),
        NUMBER(s, ap50, "average precision at IoU 0.50"),
        NUMBER(s, precision, "at IoU 0.50"),
        NUMBER(s, recall, "at IoU 0.50"),
        NUMBER(s, f1, "at IoU 0.50"),
        NUMBER(s, mean_iou, "of the true positives"),
        COUNT(s, num_true_positives, "boxes"),
        COUNT(s, num_false_positives, "boxes"),
        COUNT(s, num_misses, "boxes"),
        COUNT(s, num_images, "in the ground truth"),
        COUNT(s, num_objects, "boxes in the ground truth, without crowd regions"),
        COUNT(s, num_detections, "boxes found that count"),
    };
    print_rows(rows, sizeof(rows) / sizeof(rows[0]), json);
}

static int failed(int r, const struct fv_error *err)
{
    fprintf(stderr, "fovea " NAME ": %s\n", err->text);
    return r == -ENOMEM || r == -ENOTSUP ? FV_EXIT_FAILED : FV_EXIT_USAGE;
}

static int accuracy(const struct options *options)
{
    struct fv_error err = {0};
    struct fv_mot_scores mot;
    struct fv_coco_scores coco;
    int r;
    if (options->tracks)
        r = fv_validate_mot(options->truth, options->tracks, &mot, &err);
    else
        r = fv_validate_coco(options->truth, options->detections, options->min_score, &coco, &err);
    if (r < 0)
        return failed(r, &err);
    if (options->tracks)
        print_mot(&mot, options->json);
    else
        print_coco(&coco, options->json);
    return FV_EXIT_OK;
}

static int check(const struct options *options, int count, char **words)
{
    if (count == 0)
        return fv_tool_usage(NAME, "what should be judged? accuracy or integrity");
    if (strcmp(words[0], "accuracy") != 0)
        return fv_tool_usage(NAME, "there is no '%s'; possible are accuracy and integrity",
                             words[0]);
    if (count > 1)
        return fv_tool_usage(NAME, "unexpected argument '%s'", words[1]);
    if (!options->truth)
        return fv_tool_usage(NAME, "--gt FILE is needed");
    if (!options->tracks == !options->detections)
        return fv_tool_usage(NAME, "either --tracks FILE or --detections FILE is needed");
    const char *format = options->tracks ? "mot" : "coco";
    if (options->format && strcmp(options->format, format) != 0)
        return fv_tool_usage(NAME, "--format of --%s is %s, not '%s'",
                             options->tracks ? "tracks" : "detections", format, options->format);
    if (options->min_score_given && options->tracks)
        return fv_tool_usage(NAME, "--min-score is for --detections");
    return FV_EXIT_OK;
}

static int set_option(struct options *options, int option, const char *value)
{
    switch (option) {
    case 'g':
        options->truth = value;
        break;
    case 't':
        options->tracks = value;
        break;
    case 'd':
        options->detections = value;
        break;
    case 'f':
        options->format = value;
        break;
    case 's':
        options->min_score_given = true;
        if (!fv_tool_number(NAME, "--min-score", value, 0, 1, &options->min_score))
            return FV_EXIT_USAGE;
        break;
    case 'j':
        options->json = true;
        break;
    default:
        options->help = true;
        break;
    }
    return FV_EXIT_OK;
}

static int run(int argc, char **argv)
{
    static const struct option names[] = {{"gt", required_argument, NULL, 'g'},
                                          {"tracks", required_argument, NULL, 't'},
                                          {"detections", required_argument, NULL, 'd'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"min-score", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {0};
    int option;
    if (argc > 1 && strcmp(argv[1], "integrity") == 0)
        return fv_integrity(argc - 1, argv + 1);
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (option == '?')
            return fv_tool_bad_option(NAME, argv);
        int status = set_option(&options, option, optarg);
        if (status != FV_EXIT_OK)
            return status;
    }
    if (options.help) {
        fputs(help, stdout);
        return FV_EXIT_OK;
    }
    int status = check(&options, argc - optind, argv + optind);
    return status == FV_EXIT_OK ? accuracy(&options) : status;
}

const struct fv_tool fv_tool_validate = {
    .name = NAME,
    .summary = "tells how good tracks or detections are, against ground truth",
    .run = run,
};
