// SPDX-License-Identifier: Apache-2.0
/* Any two texts as ground truth and tracks: an error, or counts that add up. */
#include <stdlib.h>

#include "validate/fuzz_files.h"
#include "validate/mot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fv_mot_scores *s)
{
    const uint64_t found = s->num_matches + s->num_switches;
    if (s->num_objects != found + s->num_misses ||
        s->num_predictions != found + s->num_false_positives)
        abort();
    if (s->mostly_tracked + s->partially_tracked + s->mostly_lost != s->num_unique_objects)
        abort();
    if (s->motp < 0 || s->motp > FV_MOT_DISTANCE_MAX || s->idf1 < 0 || s->idf1 > 1 || s->mota > 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *files[2];
    struct fv_mot_rows rows[2] = {{0}};
    struct fv_mot_scores scores;
    fv_fuzz_two_files(data, size, files);
    if (files[0] && fv_mot_read(files[0], "a", 1, &rows[0], NULL) == 0 && files[1] &&
        fv_mot_read(files[1], "b", -1, &rows[1], NULL) == 0 &&
        fv_mot_score(&rows[0], &rows[1], &scores, NULL) == 0)
        check(&scores);
    fv_mot_rows_finish(&rows[0]);
    fv_mot_rows_finish(&rows[1]);
    fv_fuzz_close(files);
    return 0;
}
