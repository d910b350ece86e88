// SPDX-License-Identifier: Apache-2.0
/* The live table of `fovea run`: one line a camera. */
#ifndef FV_TOOLS_LIVE_H
#define FV_TOOLS_LIVE_H

#include <stdio.h>

#include "fovea/engine.h"

struct fv_live;

/* `out` is redrawn in place when it is a terminal, else written as plain blocks. NULL when out of memory. */
struct fv_live *fv_live_create(FILE *out, uint32_t cameras);
/* After a reload there may be more. False: out of memory, and all is as before. */
bool fv_live_resize(struct fv_live *live, uint32_t cameras);
/* Other text follows: the next table stands below it. */
void fv_live_leave(struct fv_live *live);
void fv_live_destroy(struct fv_live *live); /* NULL is fine */
bool fv_live_terminal(const struct fv_live *live);
/* Draws the engine's present state. `last` is true for the final table: it is not drawn over. */
void fv_live_draw(struct fv_live *live, struct fv_engine *engine, bool last);

#endif
