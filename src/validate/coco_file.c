// SPDX-License-Identifier: Apache-2.0
#include "validate/coco_file.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

#define NUMBER_MAX 1e9
#define NOT_FOUND UINT32_MAX

/* Where a complaint is about. */
struct place {
    const char *name; /* of the file */
    const char *list; /* "annotations" ... */
    size_t index;
    struct fv_error *err;
};

static int malformed(const struct place *place, const char *what)
{
    return fv_error_set(place->err, -EBADMSG, "%s, %s[%zu]: %s.", place->name, place->list,
                        place->index, what);
}

static int out_of_memory(const struct place *place)
{
    return fv_error_set(place->err, -ENOMEM, "Out of memory.");
}

static int load(FILE *file, const char *name, json_t **ret_root, struct fv_error *err)
{
    json_error_t why;
    *ret_root = json_loadf(file, 0, &why);
    if (*ret_root)
        return 0;
    return fv_error_set(err, -EBADMSG, "%s, line %d: %s.", name, why.line, why.text);
}

static int find_list(const json_t *root, struct place *place, const char *key, json_t **ret_list)
{
    place->list = key;
    *ret_list = json_object_get(root, key);
    if (!json_is_array(*ret_list))
        return fv_error_set(place->err, -EBADMSG, "%s: there is no list '%s'.", place->name, key);
    if (json_array_size(*ret_list) > FV_COCO_BOXES_MAX)
        return fv_error_set(place->err, -ENOTSUP, "%s: '%s' has more than %d members.", place->name,
                            key, FV_COCO_BOXES_MAX);
    return 0;
}

/* --- ids ------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Only the members that are seen once remain; an id given twice is the same picture or category. */
static void sort_ids(struct fv_coco_ids *ids)
{
    size_t left = 0;
    if (ids->count == 0)
        return;
    qsort(ids->list, ids->count, sizeof(*ids->list), by_value);
    for (size_t i = 0; i < ids->count; i++)
        if (i == 0 || ids->list[i] != ids->list[i - 1])
            ids->list[left++] = ids->list[i];
    ids->count = left;
}

static int read_ids(const json_t *root, struct place *place, const char *key,
                    struct fv_coco_ids *ids)
{
    json_t *list;
    int r = find_list(root, place, key, &list);
    if (r < 0)
        return r;
    const size_t count = json_array_size(list);
    ids->list = fv_calloc(count + 1, sizeof(*ids->list));
    if (!ids->list)
        return out_of_memory(place);
    for (place->index = 0; place->index < count; place->index++) {
        const json_t *id = json_object_get(json_array_get(list, place->index), "id");
        if (!json_is_integer(id))
            return malformed(place, "its id is not a whole number");
        ids->list[ids->count++] = json_integer_value(id);
    }
    sort_ids(ids);
    return 0;
}

static uint32_t find_id(const struct fv_coco_ids *ids, int64_t id)
{
    const int64_t *found =
        ids->count ? bsearch(&id, ids->list, ids->count, sizeof(id), by_value) : NULL;
    return found ? (uint32_t)(found - ids->list) : NOT_FOUND;
}

/* --- boxes ----------------------------------------------------------------------------------- */

static int read_number(const struct place *place, const json_t *json, const char *what,
                       double *ret_value)
{
    const double value = json_number_value(json);
    if (!json_is_number(json) || !(fabs(value) <= NUMBER_MAX))
        return malformed(place, what);
    *ret_value = value;
    return 0;
}

static int read_corners(const struct place *place, const json_t *item, struct fv_coco_box *box)
{
    static const char what[] = "bbox is not [left, top, width, height]";
    const json_t *bbox = json_object_get(item, "bbox");
    double *const parts[] = {&box->x, &box->y, &box->width, &box->height};
    if (json_array_size(bbox) != 4)
        return malformed(place, what);
    for (size_t i = 0; i < 4; i++) {
        int r = read_number(place, json_array_get(bbox, i), what, parts[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_set(const json_t *json)
{
    return json_is_true(json) || (json_is_number(json) && json_number_value(json) != 0);
}

/* 1: the box is of a category that is not known. */
static int read_box(const struct place *place, const json_t *item,
                    const struct fv_coco_truth *truth, struct fv_coco_box *ret_box)
{
    const json_t *image = json_object_get(item, "image_id");
    const json_t *category = json_object_get(item, "category_id");
    if (!json_is_integer(image) || !json_is_integer(category))
        return malformed(place, "image_id and category_id are whole numbers");
    *ret_box = (struct fv_coco_box){
        .image = find_id(&truth->images, json_integer_value(image)),
        .category = find_id(&truth->categories, json_integer_value(category)),
        .crowd = is_set(json_object_get(item, "iscrowd")),
        .order = place->index,
    };
    if (ret_box->image == NOT_FOUND)
        return malformed(place, "there is no image with this image_id");
    int r = read_corners(place, item, ret_box);
    return r < 0 ? r : ret_box->category == NOT_FOUND;
}

static int read_boxes(struct place *place, const json_t *list, const struct fv_coco_truth *truth,
                      bool with_scores, struct fv_coco_boxes *boxes)
{
    const size_t count = json_array_size(list);
    boxes->list = fv_calloc(count + 1, sizeof(*boxes->list));
    if (!boxes->list)
        return out_of_memory(place);
    for (place->index = 0; place->index < count; place->index++) {
        const json_t *item = json_array_get(list, place->index);
        struct fv_coco_box *box = &boxes->list[boxes->count];
        int r = read_box(place, item, truth, box);
        if (r >= 0 && with_scores) {
            int score = read_number(place, json_object_get(item, "score"), "score is no number",
                                    &box->score);
            r = score < 0 ? score : r;
        }
        if (r < 0)
            return r;
        boxes->count += r == 0;
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct fv_coco_box *x = a, *y = b;
    if (x->category != y->category)
        return x->category > y->category ? 1 : -1;
    if (x->image != y->image)
        return x->image > y->image ? 1 : -1;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->order > y->order) - (x->order < y->order);
}

static void sort_boxes(struct fv_coco_boxes *boxes)
{
    if (boxes->count)
        qsort(boxes->list, boxes->count, sizeof(*boxes->list), by_place);
}

int fv_coco_read_truth(FILE *file, const char *name, struct fv_coco_truth *ret_truth,
                       struct fv_error *err)
{
    struct place place = {.name = name, .err = err};
    struct fv_coco_truth truth = {0};
    json_t *root, *list;
    int r = load(file, name, &root, err);
    if (r < 0)
        return r;
    r = read_ids(root, &place, "images", &truth.images);
    if (r == 0)
        r = read_ids(root, &place, "categories", &truth.categories);
    if (r == 0)
        r = find_list(root, &place, "annotations", &list);
    if (r == 0)
        r = read_boxes(&place, list, &truth, false, &truth.objects);
    json_decref(root);
    if (r < 0) {
        fv_coco_truth_finish(&truth);
        return r;
    }
    sort_boxes(&truth.objects);
    *ret_truth = truth;
    return 0;
}

void fv_coco_truth_finish(struct fv_coco_truth *truth)
{
    fv_free(truth->images.list);
    fv_free(truth->categories.list);
    fv_coco_boxes_finish(&truth->objects);
    *truth = (struct fv_coco_truth){0};
}

int fv_coco_read_detections(FILE *file, const char *name, const struct fv_coco_truth *truth,
                            struct fv_coco_boxes *ret_boxes, struct fv_error *err)
{
    struct place place = {.name = name, .list = "", .err = err};
    struct fv_coco_boxes boxes = {0};
    json_t *root;
    int r = load(file, name, &root, err);
    if (r < 0)
        return r;
    if (!json_is_array(root))
        r = fv_error_set(err, -EBADMSG, "%s: detections are a list.", name);
    else if (json_array_size(root) > FV_COCO_BOXES_MAX)
        r = fv_error_set(err, -ENOTSUP, "%s has more than %d detections.", name, FV_COCO_BOXES_MAX);
    else
        r = read_boxes(&place, root, truth, true, &boxes);
    json_decref(root);
    if (r < 0) {
        fv_coco_boxes_finish(&boxes);
        return r;
    }
    sort_boxes(&boxes);
    *ret_boxes = boxes;
    return 0;
}

void fv_coco_boxes_finish(struct fv_coco_boxes *boxes)
{
    fv_free(boxes->list);
    *boxes = (struct fv_coco_boxes){0};
}
