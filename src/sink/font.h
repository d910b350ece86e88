// SPDX-License-Identifier: Apache-2.0
/* A bitmap font for labels: printable ASCII. */
#ifndef FV_SINK_FONT_H
#define FV_SINK_FONT_H

#include <stdint.h>

#define FV_FONT_WIDTH 5
#define FV_FONT_HEIGHT 9 /* capitals take the upper seven rows, tails the lower two */

/* FV_FONT_HEIGHT rows from the top; bit 4 is the leftmost pixel. Other characters look like '?'. */
const uint8_t *fv_font_glyph(char character);

#endif
