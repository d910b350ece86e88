// SPDX-License-Identifier: Apache-2.0
#include "track/overlap.h"

/* No branches, or no vectors. */
void fv_overlap_costs(const struct fv_overlap *one, const struct fv_boxes *many, uint32_t first,
                      uint32_t count, double *restrict ret_cost)
{
    const struct fv_overlap a = *one;
    const double *restrict x0 = many->x0 + first, *restrict y0 = many->y0 + first;
    const double *restrict x1 = many->x1 + first, *restrict y1 = many->y1 + first;
    const double *restrict kind = many->kind + first, *restrict handicap = many->handicap + first;
    const double area = (a.x1 - a.x0) * (a.y1 - a.y0);
    for (uint32_t i = 0; i < count; i++) {
        const double left = a.x0 > x0[i] ? a.x0 : x0[i], right = a.x1 < x1[i] ? a.x1 : x1[i];
        const double top = a.y0 > y0[i] ? a.y0 : y0[i], bottom = a.y1 < y1[i] ? a.y1 : y1[i];
        const double width = right > left ? right - left : 0;
        const double height = bottom > top ? bottom - top : 0;
        const double both = width * height;
        const double all = area + (x1[i] - x0[i]) * (y1[i] - y0[i]) - both;
        const double gain = a.limit - (1 - both / all);
        const double preferred = gain - (a.handicap + handicap[i]);
        const double cost = -a.least - (preferred > 0 ? preferred : 0);
        const double near = gain >= 0 ? cost : 0, overlapping = both > 0 ? near : 0;
        ret_cost[i] = kind[i] == a.kind ? overlapping : 0;
    }
}
