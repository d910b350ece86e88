// SPDX-License-Identifier: Apache-2.0
/* CLEAR MOT (Bernardin and Stiefelhagen 2008) and the identity measures (Ristani et al. 2016), as py-motmetrics has them. */
#ifndef FV_VALIDATE_MOT_H
#define FV_VALIDATE_MOT_H

#include "fovea/validate.h"
#include "validate/mot_file.h"

/* A pair of boxes with a larger 1 - IoU never matches. */
#define FV_MOT_DISTANCE_MAX 0.5

/* Borrows both. 0, -ENOTSUP (so many ids that their matrix would not fit), -ENOMEM. */
int fv_mot_score(const struct fv_mot_rows *objects, const struct fv_mot_rows *tracks,
                 struct fv_mot_scores *ret_scores, struct fv_error *err);

#endif
