// SPDX-License-Identifier: Apache-2.0
/*
 * Boxes and labels on a 4:2:0 picture in full-range BT.601 (what JPEG files hold). Everything is
 * clipped to the canvas. Luma is exact to the pixel, colour to 2x2 pixels.
 */
#ifndef FV_SINK_DRAW_H
#define FV_SINK_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "flow.h"

struct fv_canvas {
    uint8_t *plane[3]; /* Y, Cb, Cr; chroma is (width + 1) / 2 x (height + 1) / 2 */
    size_t pitch[3];
    int width, height; /* 1..16384 */
};

struct fv_ink {
    uint8_t y, cb, cr;
};

struct fv_rect {
    int x0, y0, x1, y1; /* x1 and y1 are outside */
};

struct fv_spot {
    int x, y;
};

struct fv_ink fv_ink_rgb(uint8_t red, uint8_t green, uint8_t blue);
/* A colour for a class: always the same one, neighbours far apart. */
struct fv_ink fv_ink_class(uint16_t class_id);
/* How large things are drawn: 1 for tiny pictures, 2 up to 720 rows, more above. Letters and lines
 * grow with it. */
int fv_draw_scale(const struct fv_canvas *canvas);

void fv_draw_fill(const struct fv_canvas *canvas, struct fv_rect rect, struct fv_ink ink);
/* The outline, `thickness` pixels to the inside. */
void fv_draw_frame(const struct fv_canvas *canvas, struct fv_rect rect, int thickness,
                   struct fv_ink ink);
/* `text` in letters of `scale` times 5x9 with its top left at (x, y); returns the width it takes.
 */
int fv_draw_text(const struct fv_canvas *canvas, int x, int y, int scale, const char *text,
                 struct fv_ink ink);
int fv_draw_text_width(const char *text, int scale);
/* From the middle of one pixel to that of another, `thickness` pixels wide, with square ends. The ends may be anywhere. */
void fv_draw_line(const struct fv_canvas *canvas, struct fv_spot from, struct fv_spot to,
                  int thickness, struct fv_ink ink);

/* How things look. Sizes are as for a picture of 720 rows and grow with the picture. */
struct fv_pen {
    int line;  /* thickness of boxes and lines: BOX_THICKNESS */
    int text;  /* size of letters: times 5x9 pixels */
    int bold;  /* extra pixels that letters are wide: TEXT_THICKNESS - 1 */
    int scale; /* of margins */
};
/* Of the settings BOX_THICKNESS, TEXT_SCALE, TEXT_THICKNESS; 2, 0.5 and 1 give what always was. */
struct fv_pen fv_pen_of(const struct fv_canvas *canvas, int box_thickness, double text_scale,
                        int text_thickness);

/* `text` on a dark strip with its lower left corner at (x, y), inside the picture where there is room. NULL or "": nothing. */
void fv_draw_label(const struct fv_canvas *canvas, const struct fv_pen *pen, struct fv_spot at,
                   const char *text, struct fv_ink ink);
/* A detection: its frame in the class's colour and `label` on a dark strip above it, inside the
 * picture where there is room; NULL or "": no label. */
void fv_draw_detection(const struct fv_canvas *canvas, const struct fv_pen *pen,
                       const struct fv_detection *detection, const char *label);

#endif
