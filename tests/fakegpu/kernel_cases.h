// SPDX-License-Identifier: Apache-2.0
/* Cases for tests that compare a kernel with its plain-C twin, for the emulator and for a real GPU alike. Running out of memory
 * ends the process. */
#ifndef FV_TESTS_FAKEGPU_KERNEL_CASES_H
#define FV_TESTS_FAKEGPU_KERNEL_CASES_H

#include "base/rand.h"
#include "kernels/launch.h"

/* A picture of random samples in one block of host memory, without a byte behind its last sample. */
struct fv_case_picture {
    struct fv_picture picture;
    uint8_t *memory;
    size_t size, offset[3]; /* of the planes in memory */
};
void fv_case_picture_init(struct fv_case_picture *c, struct fv_rand *rand,
                          enum fv_pixel_format format, uint32_t width, uint32_t height);
void fv_case_picture_finish(struct fv_case_picture *c);

/* A tensor of sides up to `limit`, in any order and normalisation. */
struct fv_tensor_spec fv_case_spec(struct fv_rand *rand, uint32_t limit);
/* Some place inside the tensor. */
struct fv_letterbox fv_case_place(struct fv_rand *rand, const struct fv_tensor_spec *spec);

/* The bound on a letterbox's difference: `rounding` for the order of sums in single precision, and for a half tensor half a unit
 * in the last place of the value. */
#define FV_CASE_ROUNDING 2e-5 /* of range / std */
/* The largest difference in units of the bound: at most 1 is right; infinite when either is not a number. `want`: [3, height,
 * width] of the twin; `got`: the kernel's, of type `element`. */
double fv_case_difference(const struct fv_tensor_spec *spec, enum fv_element element,
                          const float *want, const void *got);

/* --- Planes for JPEG --- */

/* Where fv_recode's planes lie in one block: each behind the last, rows a few bytes longer than they need be. */
struct fv_case_planes {
    size_t offset[3], pitch[3], size;
};
struct fv_case_planes fv_case_planes(struct fv_rand *rand, uint32_t width, uint32_t height);
/* What the twin writes there for the picture, and nothing else: what lies between rows stays 0xA5. Free it. */
uint8_t *fv_case_planes_expect(const struct fv_case_planes *planes,
                               const struct fv_picture *picture);
#define FV_CASE_UNTOUCHED 0xA5

/* Outputs of a network. */
enum fv_case_kind {
    FV_CASE_SPARSE,  /* few candidates, most of them around few objects */
    FV_CASE_CROWDED, /* each second row is a candidate */
    FV_CASE_EQUAL,   /* all rows are candidates with the same score */
    FV_CASE_STACKED, /* all rows are candidates for the same box, with different scores */
    FV_CASE_APART,   /* all rows are candidates, no two overlap much */
    FV_CASE_NOISE,   /* any bits: huge, infinite, not a number */
    FV_CASE_EMPTY,
    FV_CASE_KINDS,
};
struct fv_case_boxes {
    struct fv_box_spec spec;
    struct fv_nms_params nms;
    struct fv_launch_reading reading;
    uint32_t rows;
    size_t first, second; /* elements of the first output and of the second, which lies behind it */
    float *output;        /* [first + second], each a number that half precision has */
    uint16_t *half;       /* the same */
    uint8_t *wanted;
    float *priors; /* those that `spec` names, where it has some */
};

/* A small spec of each layout and each way to code it; without priors, which a case makes. */
struct fv_case_layout {
    const char *name;
    struct fv_box_spec spec;
};
#define FV_CASE_LAYOUTS 11
extern const struct fv_case_layout fv_case_layouts[FV_CASE_LAYOUTS];
/* The same with the rows and classes of the usual networks: 640x640, 80 classes. */
struct fv_box_spec fv_case_large(const struct fv_case_layout *layout);

void fv_case_boxes_init(struct fv_case_boxes *c, struct fv_rand *rand, enum fv_case_kind kind,
                        const struct fv_box_spec *spec);
void fv_case_boxes_finish(struct fv_case_boxes *c);
/* For benches: exactly `count` candidates in clusters. */
void fv_case_boxes_fill(struct fv_case_boxes *c, struct fv_rand *rand, uint32_t count);

/* What the twin makes of it. */
void fv_case_boxes_expect(const struct fv_case_boxes *c, struct fv_launch_result *ret_result);
/* True when both are the same to the bit. */
bool fv_case_boxes_equal(const struct fv_launch_result *a, const struct fv_launch_result *b);

#endif
