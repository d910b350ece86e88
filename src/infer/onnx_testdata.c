// SPDX-License-Identifier: Apache-2.0
/*
 * Protocol buffers by hand: a message is a row of (number << 3 | kind, value) pairs; kind 0 is a varint, kind 2 bytes with their length in
 * front. Field numbers are those of onnx.proto (IR version 8, operator set 13).
 */
#include "infer/onnx_testdata.h"

#include <stdio.h>
#include <string.h>

struct message {
    uint8_t data[2048];
    size_t size;
};

static void put_varint(struct message *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        to->data[to->size++] = (uint8_t)(value | 0x80);
    to->data[to->size++] = (uint8_t)value;
}

static void put_number(struct message *to, unsigned field, int64_t value)
{
    put_varint(to, field << 3);
    put_varint(to, (uint64_t)value);
}

static void put_bytes(struct message *to, unsigned field, const void *data, size_t size)
{
    put_varint(to, field << 3 | 2);
    put_varint(to, size);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void put_text(struct message *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

static void put_message(struct message *to, unsigned field, const struct message *child)
{
    put_bytes(to, field, child->data, child->size);
}

/* ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { dim_value = 1, dim_param = 2 } } } } */
static void put_value(struct message *graph, unsigned field, const char *name, int type,
                      const int dims[4])
{
    struct message shape = {0}, tensor = {0}, holder = {0}, value = {0};
    for (int i = 0; i < 4 && dims[i] >= 0; i++) {
        struct message dim = {0};
        if (dims[i])
            put_number(&dim, 1, dims[i]);
        else
            put_text(&dim, 2, "N");
        put_message(&shape, 1, &dim);
    }
    put_number(&tensor, 1, type);
    put_message(&tensor, 2, &shape);
    put_message(&holder, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &holder);
    put_message(graph, field, &value);
}

/* GraphProto.initializer = 5, TensorProto: dims = 1, data_type = 2 (7 is int64), int64_data = 7, name = 8 */
static void put_constant(struct message *graph, const char *name, const int *values, int count)
{
    struct message tensor = {0};
    put_number(&tensor, 1, count);
    put_number(&tensor, 2, 7);
    for (int i = 0; i < count; i++)
        put_number(&tensor, 7, values[i]);
    put_text(&tensor, 8, name);
    put_message(graph, 5, &tensor);
}

/* GraphProto.node = 1, NodeProto: input = 1, output = 2, op_type = 4. `inputs` ends with NULL. */
static void put_node(struct message *graph, const char *type, const char *const *inputs,
                     const char *output)
{
    struct message node = {0};
    for (; *inputs; inputs++)
        put_text(&node, 1, *inputs);
    put_text(&node, 2, output);
    put_text(&node, 4, type);
    put_message(graph, 1, &node);
}

static void put_scores(struct message *graph, const struct fv_onnx_params *p)
{
    const int image = 3 * p->side * p->side, begin = image - p->rows * p->score_columns;
    put_node(graph, "Slice", (const char *const[]){"row", "begin", "image", "one", NULL}, "rest");
    put_node(graph, "Reshape", (const char *const[]){"rest", "shape2", NULL}, p->scores);
    put_constant(graph, "begin", &begin, 1);
    put_constant(graph, "image", &image, 1);
    put_constant(graph, "shape2", (const int[]){p->frozen ? 1 : 0, p->rows, p->score_columns}, 3);
    put_value(graph, 12, p->scores, p->type,
              (const int[]){p->batch, p->rows, p->score_columns, -1});
}

static void put_graph(struct message *model, const struct fv_onnx_params *p)
{
    struct message graph = {0};
    const int first = p->frozen ? 1 : 0, flat = p->rows == 0;
    const int end = (flat ? 1 : p->rows) * p->columns;
    const int *const shape =
        flat ? (const int[]){first, p->columns} : (const int[]){first, p->rows, p->columns};
    const int *const dims = flat ? (const int[]){p->batch, p->columns, -1, -1}
                                 : (const int[]){p->batch, p->rows, p->columns, -1};
    put_node(&graph, "Reshape", (const char *const[]){p->input, "flat", NULL}, "row");
    put_node(&graph, "Slice", (const char *const[]){"row", "zero", "end", "one", NULL}, "part");
    put_node(&graph, "Reshape", (const char *const[]){"part", "shape", NULL}, p->output);
    put_text(&graph, 2, "tiny");
    put_constant(&graph, "flat", (const int[]){0, -1}, 2);
    put_constant(&graph, "zero", (const int[]){0}, 1);
    put_constant(&graph, "end", &end, 1);
    put_constant(&graph, "one", (const int[]){1}, 1);
    put_constant(&graph, "shape", shape, flat ? 2 : 3);
    put_value(&graph, 11, p->input, p->type, (const int[]){p->batch, 3, p->side, p->side});
    if (p->second_input)
        put_value(&graph, 11, "second", p->type, (const int[]){1, -1, -1, -1});
    put_value(&graph, 12, p->output, p->type, dims);
    if (p->scores)
        put_scores(&graph, p);
    put_message(model, 7, &graph);
}

int fv_onnx_write(const char *path, const struct fv_onnx_params *params)
{
    struct message model = {0}, operators = {0};
    put_text(&operators, 1, "");
    put_number(&operators, 2, 13);
    put_number(&model, 1, 8); /* IR version */
    put_graph(&model, params);
    put_message(&model, 8, &operators);
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t written = fwrite(model.data, 1, model.size, file);
    return fclose(file) == 0 && written == model.size ? 0 : -1;
}
