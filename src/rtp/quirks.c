// SPDX-License-Identifier: Apache-2.0
#include "rtp/quirks.h"

static const struct fv_quirk_info table[FV_QUIRK_COUNT] = {
    [FV_QUIRK_PADDING_LIE] = {"padding-lie", "the payload is taken without cutting padding off"},
    [FV_QUIRK_ANNEXB] = {"annexb-in-payload", "the payload is split at its start codes"},
    [FV_QUIRK_UNKNOWN_UNIT] = {"unknown-unit", "units of reserved types are left out"},
    [FV_QUIRK_EMPTY_UNIT] = {"empty-unit", "units of no bytes are skipped"},
    [FV_QUIRK_AGGREGATE_TAIL] = {"aggregate-tail",
                                 "a few bytes too many behind the units are ignored"},
    [FV_QUIRK_FU_WHOLE] = {"fu-whole", "the fragment is taken as a whole NAL unit"},
    [FV_QUIRK_FU_MISSING_START] = {"fu-missing-start",
                                   "a fragment behind a finished unit starts a new one"},
    [FV_QUIRK_FU_REPEATED_START] =
        {"fu-repeated-start",
         "a start bit before the end bit is ignored when the camera sends end bits"},
    [FV_QUIRK_FU_MISSING_END] =
        {"fu-missing-end",
         "marker, timestamp or the next start end the unit when no end bit ever came"},
    [FV_QUIRK_FU_EARLY_END] = {"fu-early-end",
                               "fragments without start bit go on with the unit that ended"},
    [FV_QUIRK_MARKER_MISSING] = {"marker-missing", "the next timestamp ends the picture"},
    [FV_QUIRK_MARKER_FALSE] =
        {"marker-false", "markers are ignored: the next timestamp or first slice ends the picture"},
    [FV_QUIRK_SETS_CHANGED] = {"sets-changed", "the new format holds from the next key picture on"},
    [FV_QUIRK_SETS_APART] = {"sets-apart", "parameter sets are joined to the picture that follows"},
    [FV_QUIRK_SENDER_REPORT] = {"sender-report", "the report is refused; wall time stays unknown"},
};

const struct fv_quirk_info *fv_quirk_info(enum fv_quirk quirk)
{
    return &table[quirk];
}
