// SPDX-License-Identifier: Apache-2.0
/* The codecs' tables, gathered in codec.c. */
#ifndef FV_CODEC_CODECS_H
#define FV_CODEC_CODECS_H

#include "codec/codec.h"

extern const struct fv_codec_ops fv_codec_h264;
extern const struct fv_codec_ops fv_codec_h265;

#endif
