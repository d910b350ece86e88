// SPDX-License-Identifier: Apache-2.0
/* Writes tiny ONNX files for tests: a network whose output is the beginning of its input. */
#ifndef FV_INFER_ONNX_TESTDATA_H
#define FV_INFER_ONNX_TESTDATA_H

#include <stdbool.h>
#include <stdint.h>

#define FV_ONNX_FLOAT 1
#define FV_ONNX_FLOAT16 10

struct fv_onnx_params {
    const char *input, *output; /* names */
    int type;                   /* FV_ONNX_* of both */
    int batch;                  /* 0: free */
    int side;                   /* input [batch, 3, side, side] */
    int rows, columns; /* output [batch, rows, columns] = the first rows * columns input values; rows 0: [batch, columns] */
    bool frozen;       /* the graph works with a batch of 1 only, although it may claim otherwise */
    bool second_input;
    const char *scores; /* a second output [batch, rows, score_columns], the input's end; or NULL */
    int score_columns;
};

/* 0, or -1 when the file cannot be written. */
int fv_onnx_write(const char *path, const struct fv_onnx_params *params);

#endif
