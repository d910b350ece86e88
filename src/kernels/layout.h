// SPDX-License-Identifier: Apache-2.0
/*
 * What passes between the host and the kernels: parameters, descriptors and results, laid out alike on both sides. Included by
 * *.cu: nothing but numbers of fixed size. Addresses are device addresses.
 */
#ifndef FV_KERNELS_LAYOUT_H
#define FV_KERNELS_LAYOUT_H

#include <stdint.h>

/* One channel of a tensor from samples: clamp(y * Y + cb * Cb + cr * Cr + constant, 0, 1) * gain + bias */
struct fv_colour_channel {
    float y, cb, cr, constant, gain, bias;
};

struct fv_colour {
    struct fv_colour_channel channel[3]; /* in the tensor's order */
};

/* --- Kernel fv_letterbox: block_z is the picture, x and y cover the tensor. --- */

struct fv_launch_picture {
    uint64_t plane
        [3]; /* planes of 16-bit samples 2-byte aligned; interleaved chroma aligned to its pair */
    uint32_t pitch[3];              /* bytes, aligned likewise */
    uint32_t wide;                  /* not 0: 16-bit samples */
    uint32_t interleaved;           /* not 0: plane 1 has Cb and Cr in turn; 0: planes 1 and 2 */
    uint32_t width, height;         /* visible size; sides 1..16384 */
    uint32_t x, y;                  /* the scaled picture's place in the tensor */
    uint32_t out_width, out_height; /* its size there, 1..16384 */
    struct fv_colour colour;
};

struct fv_launch_letterbox {
    uint64_t pictures; /* struct fv_launch_picture [block_z] */
    uint64_t tensor;   /* [block_z, 3, height, width], float or half */
    uint32_t width, height;
    uint32_t half;    /* not 0: the tensor's elements are half precision */
    float padding[3]; /* of each channel where no picture is */
};

/* --- Kernel fv_boxes: block_x is the image. --- */

#define FV_LAUNCH_CANDIDATES_MAX 4096u /* that NMS can look at */
#define FV_LAUNCH_BOXES_MAX 300u       /* that it can keep */
#define FV_LAUNCH_ROWS_MAX (1u << 20)  /* of the network's output */
#define FV_LAUNCH_CLASSES_MAX (1u << 12)

enum fv_score_activation { FV_SCORE_NONE, FV_SCORE_SOFTMAX, FV_SCORE_SIGMOID };
enum fv_box_code {
    FV_BOX_CENTRE,
    FV_BOX_CORNERS,
    FV_BOX_CORNERS_YX,
    FV_BOX_PRIOR,
    FV_BOX_GRID,
    FV_BOX_WHOLE, /* of the whole input; the box's values are read, but mean nothing */
    FV_BOX_CODES,
};

/* How a row of an output is read (candidates.h has the arithmetic). Numbers count elements from an image's first. */
struct fv_launch_reading {
    uint32_t rows, classes;
    uint32_t box_row, box_step,
        box_image; /* value i of a row's box: row * box_row + i * box_step */
    uint32_t score_row, score_step, score_image; /* value of column i: score_first + */
    uint32_t score_first;                        /* row * score_row + i * score_step */
    uint32_t columns, class_first; /* that softmax sums over; the first of them that is a class */
    uint32_t objectness;           /* not 0: it is the column before the first */
    uint32_t activation, code;
    uint32_t width, height; /* of the network's input */
    uint32_t strides[4], stride_count;
    float scale_x, scale_y, variances[4];
    float score_threshold;
};

struct fv_launch_boxes {
    uint64_t output; /* [block_x, box_image], float or half */
    uint64_t scores; /* [block_x, score_image]; may be the same */
    uint64_t priors; /* float [rows, 4], for FV_BOX_PRIOR */
    uint64_t wanted; /* uint8_t [classes], not 0: report it; address 0: all */
    uint64_t keys;   /* scratch: uint64_t [block_x, rows] */
    uint64_t
        corners; /* scratch: struct fv_launch_corners [block_x, max_candidates], 16-byte aligned */
    uint64_t results; /* struct fv_launch_result [block_x] */
    struct fv_launch_reading reading;
    uint32_t half;                      /* not 0: the outputs' elements are half precision */
    uint32_t max_candidates, max_boxes; /* at most the limits above */
    float iou_threshold;
};

struct fv_launch_corners {
    float x0, y0, x1, y1;
};

struct fv_launch_box {
    float x0, y0, x1, y1, score;
    uint32_t class_id;
};

struct fv_launch_result {
    uint32_t count, dropped;
    struct fv_launch_box boxes[FV_LAUNCH_BOXES_MAX]; /* count of them are written */
};

/* --- Kernel fv_recode: x and y cover the chroma planes. --- */

/* Factors in parts of 2^14, of samples in parts of 1/256 of an 8-bit level; chroma counts from its middle. */
struct fv_recode {
    int32_t black; /* of luma, in parts of 1/256 */
    int32_t y, y_cb, y_cr, cb_cb, cb_cr, cr_cb, cr_cr;
};

struct fv_launch_recode {
    uint64_t plane[3]; /* as of struct fv_launch_picture, which `wide` and `interleaved` are, too */
    uint64_t out[3];   /* uint8_t: Y, Cb, Cr; whole 2x2 blocks */
    uint32_t pitch[3], out_pitch[3]; /* bytes */
    uint32_t wide, interleaved;
    uint32_t shift;         /* of a stored sample to the left, to be in parts of 1/256 */
    uint32_t width, height; /* 1..16384 */
    struct fv_recode recode;
};

#endif
