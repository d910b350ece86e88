// SPDX-License-Identifier: Apache-2.0
/* The scanner on any bytes: it must accept what jansson accepts, and every place must lie in the
 * text. */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "conf/locate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fv_map map;
    const char *text = (const char *)data;
    size_t offset = 0;
    int r = fv_map_scan(text, size, &map, &offset);
    if (offset > size)
        abort();
    for (uint32_t i = 0; i < map.count; i++)
        if (map.nodes[i].value >= size || map.nodes[i].key > map.nodes[i].value)
            abort();
    json_t *root = size < 65536 ? json_loadb(text, size, 0, NULL) : NULL;
    if (root && r == -EBADMSG)
        abort();
    json_decref(root);
    fv_map_free(&map);
    return 0;
}
