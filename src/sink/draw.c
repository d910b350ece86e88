// SPDX-License-Identifier: Apache-2.0
#include "sink/draw.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "sink/font.h"

#define SIDE_MAX 16384

static uint8_t to_byte(double value)
{
    return (uint8_t)lround(fmin(fmax(value, 0), 255));
}

/* ITU-T T.871 7: the YCbCr of JPEG files. */
struct fv_ink fv_ink_rgb(uint8_t red, uint8_t green, uint8_t blue)
{
    return (struct fv_ink){
        .y = to_byte(0.299 * red + 0.587 * green + 0.114 * blue),
        .cb = to_byte(128 - 0.168736 * red - 0.331264 * green + 0.5 * blue),
        .cr = to_byte(128 + 0.5 * red - 0.418688 * green - 0.081312 * blue),
    };
}

struct fv_ink fv_ink_class(uint16_t class_id)
{
    static const uint8_t palette[][3] = {
        {255, 196, 0},  {0, 200, 255}, {255, 90, 120},  {120, 230, 90}, {190, 130, 255},
        {255, 140, 40}, {0, 220, 180}, {255, 120, 230}, {200, 220, 60}, {110, 160, 255},
    };
    const uint8_t *colour = palette[class_id % (sizeof(palette) / sizeof(palette[0]))];
    return fv_ink_rgb(colour[0], colour[1], colour[2]);
}

int fv_draw_scale(const struct fv_canvas *canvas)
{
    int side = canvas->width < canvas->height ? canvas->width : canvas->height;
    if (side < 240)
        return 1;
    return side <= 720 ? 2 : (side + 180) / 360;
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static struct fv_rect clip(const struct fv_canvas *canvas, struct fv_rect rect)
{
    return (struct fv_rect){clamp(rect.x0, 0, canvas->width), clamp(rect.y0, 0, canvas->height),
                            clamp(rect.x1, 0, canvas->width), clamp(rect.y1, 0, canvas->height)};
}

static void fill_plane(const struct fv_canvas *canvas, int plane, struct fv_rect rect,
                       uint8_t value)
{
    for (int y = rect.y0; y < rect.y1; y++)
        memset(canvas->plane[plane] + (size_t)y * canvas->pitch[plane] + rect.x0, value,
               (size_t)(rect.x1 - rect.x0));
}

void fv_draw_fill(const struct fv_canvas *canvas, struct fv_rect rect, struct fv_ink ink)
{
    rect = clip(canvas, rect);
    if (rect.x0 >= rect.x1 || rect.y0 >= rect.y1)
        return;
    /* Each chroma sample that the rectangle touches. */
    const struct fv_rect chroma = {rect.x0 / 2, rect.y0 / 2, (rect.x1 + 1) / 2, (rect.y1 + 1) / 2};
    fill_plane(canvas, 0, rect, ink.y);
    fill_plane(canvas, 1, chroma, ink.cb);
    fill_plane(canvas, 2, chroma, ink.cr);
}

void fv_draw_frame(const struct fv_canvas *canvas, struct fv_rect rect, int thickness,
                   struct fv_ink ink)
{
    if (rect.x0 >= rect.x1 || rect.y0 >= rect.y1)
        return;
    int t = thickness;
    fv_draw_fill(canvas,
                 (struct fv_rect){rect.x0, rect.y0, rect.x1, clamp(rect.y0 + t, rect.y0, rect.y1)},
                 ink);
    fv_draw_fill(canvas,
                 (struct fv_rect){rect.x0, clamp(rect.y1 - t, rect.y0, rect.y1), rect.x1, rect.y1},
                 ink);
    fv_draw_fill(canvas,
                 (struct fv_rect){rect.x0, rect.y0, clamp(rect.x0 + t, rect.x0, rect.x1), rect.y1},
                 ink);
    fv_draw_fill(canvas,
                 (struct fv_rect){clamp(rect.x1 - t, rect.x0, rect.x1), rect.y0, rect.x1, rect.y1},
                 ink);
}

static void draw_glyph(const struct fv_canvas *canvas, int x, int y, int scale, char character,
                       struct fv_ink ink)
{
    const uint8_t *rows = fv_font_glyph(character);
    for (int row = 0; row < FV_FONT_HEIGHT; row++)
        for (int column = 0; column < FV_FONT_WIDTH; column++) {
            if (!(rows[row] & (1 << (FV_FONT_WIDTH - 1 - column))))
                continue;
            int left = x + column * scale, top = y + row * scale;
            fv_draw_fill(canvas, (struct fv_rect){left, top, left + scale, top + scale}, ink);
        }
}

int fv_draw_text_width(const char *text, int scale)
{
    /* One empty column between letters, none behind the last. */
    int letters = (int)strnlen(text, SIDE_MAX / FV_FONT_WIDTH);
    return letters ? (letters * (FV_FONT_WIDTH + 1) - 1) * scale : 0;
}

int fv_draw_text(const struct fv_canvas *canvas, int x, int y, int scale, const char *text,
                 struct fv_ink ink)
{
    for (const char *at = text; *at && x < canvas->width; at++, x += (FV_FONT_WIDTH + 1) * scale)
        draw_glyph(canvas, x, y, scale, *at, ink);
    return fv_draw_text_width(text, scale);
}

/* --- lines ---------------------------------------------------------------------------------------- */

/* The parts of a line that lie within the picture, with room for its thickness: Liang and Barsky. False: none. */
static bool cut(const struct fv_canvas *canvas, int room, double from[2], double to[2])
{
    const double low[2] = {-room, -room}, high[2] = {canvas->width + room, canvas->height + room};
    double enter = 0, leave = 1;
    for (int i = 0; i < 2; i++) {
        const double way = to[i] - from[i];
        if (way == 0 && (from[i] < low[i] || from[i] > high[i]))
            return false;
        if (way == 0)
            continue;
        const double a = (low[i] - from[i]) / way, b = (high[i] - from[i]) / way;
        enter = fmax(enter, fmin(a, b));
        leave = fmin(leave, fmax(a, b));
    }
    if (enter > leave)
        return false;
    const double start[2] = {from[0], from[1]};
    for (int i = 0; i < 2; i++) {
        const double way = to[i] - start[i];
        from[i] = start[i] + enter * way;
        to[i] = start[i] + leave * way;
    }
    return true;
}

void fv_draw_line(const struct fv_canvas *canvas, struct fv_spot from, struct fv_spot to,
                  int thickness, struct fv_ink ink)
{
    double a[2] = {from.x, from.y}, b[2] = {to.x, to.y};
    if (thickness < 1 || !cut(canvas, thickness, a, b))
        return;
    const double dx = b[0] - a[0], dy = b[1] - a[1];
    const int steps = (int)ceil(fmax(fabs(dx), fabs(dy)));
    for (int i = 0; i <= steps; i++) {
        const double part = steps ? (double)i / steps : 0;
        const int x = (int)lround(a[0] + part * dx) - thickness / 2;
        const int y = (int)lround(a[1] + part * dy) - thickness / 2;
        fv_draw_fill(canvas, (struct fv_rect){x, y, x + thickness, y + thickness}, ink);
    }
}

/* --- labels and boxes ------------------------------------------------------------------------------ */

struct fv_pen fv_pen_of(const struct fv_canvas *canvas, int box_thickness, double text_scale,
                        int text_thickness)
{
    const int scale = fv_draw_scale(canvas);
    const double text = round(scale * text_scale * 2), line = round(scale * box_thickness / 2.0);
    return (struct fv_pen){.line = (int)fmin(fmax(line, 1), SIDE_MAX),
                           .text = (int)fmin(fmax(text, 1), SIDE_MAX / 16),
                           .bold = clamp(text_thickness - 1, 0, SIDE_MAX),
                           .scale = scale};
}

/* Where a strip goes that should have its lower edge at `at`: above it, else from there on; never over the right edge while it fits. */
static struct fv_rect place_strip(const struct fv_canvas *canvas, struct fv_spot at, int width,
                                  int height)
{
    int y = at.y - height;
    if (y < 0)
        y = clamp(at.y, 0, canvas->height - height > 0 ? canvas->height - height : 0);
    int x = clamp(at.x, 0, canvas->width - width > 0 ? canvas->width - width : 0);
    /* Even positions: colour has half the resolution, and a strip must not tint its neighbours. */
    x &= ~1;
    y &= ~1;
    return (struct fv_rect){x, y, x + width, y + height};
}

void fv_draw_label(const struct fv_canvas *canvas, const struct fv_pen *pen, struct fv_spot at,
                   const char *text, struct fv_ink ink)
{
    if (!text || !text[0])
        return;
    const int margin = 2 * pen->scale, bar = pen->scale;
    const struct fv_rect strip =
        place_strip(canvas, at, fv_draw_text_width(text, pen->text) + 2 * margin + bar + pen->bold,
                    FV_FONT_HEIGHT * pen->text + margin + bar);
    fv_draw_fill(canvas, strip, fv_ink_rgb(24, 24, 28));
    /* A bar in its colour ties the strip to what it names. */
    fv_draw_fill(canvas, (struct fv_rect){strip.x0, strip.y0, strip.x0 + bar, strip.y1}, ink);
    for (int i = 0; i <= pen->bold; i++)
        fv_draw_text(canvas, strip.x0 + margin + bar + i, strip.y0 + margin, pen->text, text,
                     fv_ink_rgb(255, 255, 255));
}

void fv_draw_detection(const struct fv_canvas *canvas, const struct fv_pen *pen,
                       const struct fv_detection *detection, const char *label)
{
    const struct fv_ink ink = fv_ink_class(detection->class_id);
    const struct fv_rect box =
        clip(canvas, (struct fv_rect){
                         .x0 = (int)floorf(fminf(fmaxf(detection->x0, 0), SIDE_MAX)),
                         .y0 = (int)floorf(fminf(fmaxf(detection->y0, 0), SIDE_MAX)),
                         .x1 = (int)ceilf(fminf(fmaxf(detection->x1, 0), SIDE_MAX)),
                         .y1 = (int)ceilf(fminf(fmaxf(detection->y1, 0), SIDE_MAX)),
                     });
    if (box.x0 >= box.x1 || box.y0 >= box.y1)
        return;
    fv_draw_frame(canvas, box, pen->line, ink);
    fv_draw_label(canvas, pen, (struct fv_spot){box.x0, box.y0}, label, ink);
}
