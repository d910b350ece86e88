// SPDX-License-Identifier: Apache-2.0
#include "rtp/depay.h"

#include <errno.h>

#define TAIL_MAX 3 /* bytes behind the last unit that are taken for padding */

const struct fv_depay_ops *fv_depay_ops(enum fv_codec codec)
{
    static const struct fv_depay_ops *const table[] = {
        &fv_depay_h264, &fv_depay_h265, &fv_depay_jpeg, &fv_depay_vp9, &fv_depay_av1};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i]->codec == codec)
            return table[i];
    return NULL;
}

int fv_depay_refuse(struct fv_depay *depay)
{
    fv_assembly_damage(depay->assembly);
    return -EBADMSG;
}

int fv_depay_refuse_kind(struct fv_depay *depay, const char *why)
{
    depay->refusal = why;
    return fv_depay_refuse(depay);
}

int fv_depay_aggregate(struct fv_depay *depay, const uint8_t *units, size_t size)
{
    struct fv_quirks *quirks = depay->assembly->quirks;
    depay->lost = false;
    while (size >= 2) {
        size_t unit = fv_get16(units);
        if (unit > size - 2)
            return fv_depay_refuse(depay);
        if (unit == 0)
            fv_quirk_meet(quirks, FV_QUIRK_EMPTY_UNIT);
        else
            fv_assembly_nal(depay->assembly, units + 2, unit);
        units += 2 + unit;
        size -= 2 + unit;
    }
    if (size > 0)
        fv_quirk_meet(quirks, FV_QUIRK_AGGREGATE_TAIL);
    return 0;
}

/* A fragment without start bit although none is open. 0: it was placed, -EBADMSG: it has no beginning. */
static int place_orphan(struct fv_depay *depay, const struct fv_fu *fu)
{
    struct fv_assembly *assembly = depay->assembly;
    if (!depay->lost && depay->starts && fu->type == depay->type && fv_assembly_resume(assembly)) {
        fv_quirk_meet(assembly->quirks, FV_QUIRK_FU_EARLY_END);
        fv_assembly_more(assembly, fu->part.data, fu->part.size);
        return 0;
    }
    if (!depay->lost && !depay->starts) {
        fv_quirk_meet(assembly->quirks, FV_QUIRK_FU_MISSING_START);
        fv_assembly_fragment(assembly, &fu->part);
        return 0;
    }
    fv_assembly_damage(assembly);
    return depay->lost ? 0 : -EBADMSG;
}

/* A start bit. Within an open NAL unit either this start or the end bit before it is wrong: a camera that does send end bits
 * repeats starts, another forgets ends. Until that is known the picture counts as damaged. */
static void start_fragment(struct fv_depay *depay, const struct fv_fu *fu)
{
    struct fv_assembly *assembly = depay->assembly;
    if (assembly->fragment && assembly->ends_known && fu->type == depay->type) {
        fv_quirk_meet(assembly->quirks, FV_QUIRK_FU_REPEATED_START);
        fv_assembly_more(assembly, fu->part.data, fu->part.size);
        return;
    }
    bool ambiguous =
        assembly->fragment && !fv_quirk_learned(assembly->quirks, FV_QUIRK_FU_MISSING_END);
    if (assembly->fragment)
        fv_quirk_meet(assembly->quirks, FV_QUIRK_FU_MISSING_END);
    fv_assembly_fragment(assembly, &fu->part);
    if (ambiguous)
        assembly->damaged = true;
    depay->starts = true;
    depay->lost = false;
}

int fv_depay_fragment(struct fv_depay *depay, const struct fv_fu *fu)
{
    struct fv_assembly *assembly = depay->assembly;
    int rc = 0;
    if (fu->start && fu->end)
        fv_quirk_meet(assembly->quirks, FV_QUIRK_FU_WHOLE);
    if (fu->start)
        start_fragment(depay, fu);
    else if (assembly->fragment && fu->type == depay->type)
        fv_assembly_more(assembly, fu->part.data, fu->part.size);
    else
        rc = place_orphan(depay, fu);
    depay->type = fu->type;
    if (fu->start && !assembly->fragment)
        return -EBADMSG; /* of a type that cannot be */
    if (fu->end && assembly->fragment) {
        assembly->ends_known = true;
        fv_assembly_fragment_end(assembly);
    }
    if (fu->end && !depay->starts)
        depay->lost = false; /* without start bits, what follows an end is a beginning */
    return rc;
}
