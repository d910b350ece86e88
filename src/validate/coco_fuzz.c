// SPDX-License-Identifier: Apache-2.0
/* Any two texts as ground truth and detections: an error, or counts that add up. */
#include <stdlib.h>

#include "validate/coco.h"
#include "validate/fuzz_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fv_coco_scores *s)
{
    if (s->num_objects != s->num_true_positives + s->num_misses ||
        s->num_detections != s->num_true_positives + s->num_false_positives)
        abort();
    if (s->ap50 < 0 || s->ap50 > 1 || s->ap50_95 < 0 || s->ap50_95 > s->ap50 + 1e-9)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *files[2];
    struct fv_coco_truth truth = {0};
    struct fv_coco_boxes found = {0};
    struct fv_coco_scores scores;
    fv_fuzz_two_files(data, size, files);
    if (files[0] && fv_coco_read_truth(files[0], "a", &truth, NULL) == 0 && files[1] &&
        fv_coco_read_detections(files[1], "b", &truth, &found, NULL) == 0 &&
        fv_coco_score(&truth, &found, 0.3, &scores, NULL) == 0)
        check(&scores);
    fv_coco_boxes_finish(&found);
    fv_coco_truth_finish(&truth);
    fv_fuzz_close(files);
    return 0;
}
