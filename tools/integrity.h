// SPDX-License-Identifier: Apache-2.0
/* `fovea validate integrity`. */
#ifndef FV_TOOLS_INTEGRITY_H
#define FV_TOOLS_INTEGRITY_H

int fv_integrity(int argc, char **argv); /* argv[0] is "integrity"; returns an enum fv_exit */

#endif
