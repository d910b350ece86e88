// SPDX-License-Identifier: Apache-2.0
#include "sim/packetize_whole.h"

#include <errno.h>
#include <string.h>

#include "codec/av1.h"
#include "codec/jpeg_headers.h"
#include "rtp/packet.h"

/* RFC 2435 3.1 */
#define JPEG_SIDE_MAX 2040
#define JPEG_RESTART 64
#define JPEG_TABLES_EACH_TIME 255
#define JPEG_HEAD_MAX (8 + 4 + 4 + 2 * 2 * FV_JPEG_TABLE)

/* RFC 9628 4.2 */
enum { VP9_END = 0x04, VP9_BEGIN = 0x08, VP9_PREDICTED = 0x40 };

/* AV1 RTP 4.4 */
enum { AV1_NEW = 0x08, AV1_CONTINUES = 0x40, AV1_CONTINUED = 0x80 };
#define AV1_HAS_SIZE 0x02
#define AV1_LENGTH 2    /* bytes of an element's length at most */
#define AV1_ROOM_MIN 16 /* a smaller rest of a packet stays empty */

/* The sampling factors of type 0 or 1 (3.1.3): half the colour is not enough, its blocks must come in that order. */
static bool has_type(const struct fv_jpeg_image *image)
{
    return (image->sampling[0] == 0x22 || image->sampling[0] == 0x21) &&
           image->sampling[1] == 0x11 && image->sampling[2] == 0x11;
}

const char *fv_packetize_jpeg_refusal(const uint8_t *au, size_t size)
{
    struct fv_jpeg_image image;
    int rc = fv_jpeg_read_headers(au, size, &image);
    if (rc == -EBADMSG)
        return "the image's headers are damaged";
    if (rc < 0 || !image.baseline || image.wide[0] || image.wide[1])
        return "the image's coding has no type there, only baseline in one scan has";
    if (!has_type(&image))
        return "the components' sampling factors are neither 2x2, 1x1, 1x1 (4:2:0) nor 2x1, 1x1, "
               "1x1 "
               "(4:2:2; ffmpeg's yuvj422p has others)";
    return image.usual_huffman ? NULL : "the Huffman tables are not the standard's own";
}

/* Main header, restart header; in the first packet the tables. Returns its size. */
static size_t jpeg_head(const struct fv_jpeg_image *image, unsigned type, size_t offset,
                        uint8_t *out)
{
    const unsigned width = (image->format.width + 7u) / 8, height = (image->format.height + 7u) / 8;
    const bool large = image->format.width > JPEG_SIDE_MAX || image->format.height > JPEG_SIDE_MAX;
    size_t size = 8;
    fv_put32(out, (uint32_t)offset);
    out[4] = (uint8_t)(type | (image->restart_interval ? JPEG_RESTART : 0));
    out[5] = JPEG_TABLES_EACH_TIME;
    out[6] = (uint8_t)(large ? 0 : width);
    out[7] = (uint8_t)(large ? 0 : height);
    if (image->restart_interval) {
        fv_put16(out + size, image->restart_interval);
        fv_put16(out + size + 2, 0xffff); /* packets do not begin with intervals */
        size += 4;
    }
    if (offset > 0)
        return size;
    fv_put16(out + size, 0);
    fv_put16(out + size + 2, 2 * FV_JPEG_TABLE);
    memcpy(out + size + 4, image->tables[0], FV_JPEG_TABLE);
    memcpy(out + size + 4 + FV_JPEG_TABLE, image->tables[1], FV_JPEG_TABLE);
    return size + 4 + 2 * FV_JPEG_TABLE;
}

static int packetize_jpeg(const struct fv_whole_packetizer *p, const uint8_t *au, size_t size)
{
    struct fv_jpeg_image image;
    int rc = fv_jpeg_read_headers(au, size, &image);
    if (rc < 0)
        return rc;
    if (fv_packetize_jpeg_refusal(au, size))
        return -ENOTSUP;
    const unsigned type = image.sampling[0] == 0x22;
    if (size - image.scan >= 2 && au[size - 2] == 0xff && au[size - 1] == FV_JPEG_EOI)
        size -= 2;
    const size_t scan = size - image.scan;
    if (scan == 0 || scan > 0xffffff)
        return -EBADMSG;
    for (size_t done = 0; done < scan;) {
        uint8_t head[JPEG_HEAD_MAX];
        const size_t head_size = jpeg_head(&image, type, done, head);
        const size_t room = FV_SIM_MTU - head_size;
        const size_t part = scan - done < room ? scan - done : room;
        rc = p->emit(p->data, (struct fv_nal){head, head_size},
                     (struct fv_nal){au + image.scan + done, part});
        if (rc < 0)
            return rc;
        done += part;
    }
    return 0;
}

static int packetize_vp9(const struct fv_whole_packetizer *p, const uint8_t *au, size_t size,
                         bool key)
{
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < FV_SIM_MTU - 1 ? size - done : FV_SIM_MTU - 1;
        const uint8_t head = (uint8_t)((key ? 0 : VP9_PREDICTED) | (done == 0 ? VP9_BEGIN : 0) |
                                       (done + part == size ? VP9_END : 0));
        int rc = p->emit(p->data, (struct fv_nal){&head, 1}, (struct fv_nal){au + done, part});
        if (rc < 0)
            return rc;
        done += part;
    }
    return 0;
}

/* The packet in work. */
struct packer {
    const struct fv_whole_packetizer *to;
    uint8_t packet[FV_SIM_MTU];
    size_t size; /* with the aggregation header */
};

static int flush(struct packer *packer, uint8_t head)
{
    if (packer->size > 1) {
        int rc = packer->to->emit(packer->to->data, (struct fv_nal){NULL, 0},
                                  (struct fv_nal){packer->packet, packer->size});
        if (rc < 0)
            return rc;
    }
    packer->packet[0] = head;
    packer->size = 1;
    return 0;
}

static void put(struct packer *packer, const uint8_t *data, size_t size)
{
    memcpy(packer->packet + packer->size, data, size);
    packer->size += size;
}

/* An element: the OBU's header without the size flag, when it begins here, and a part of its payload. */
static void put_element(struct packer *packer, const struct fv_av1_obu *obu, bool begins,
                        struct fv_nal part)
{
    const uint8_t header[2] = {(uint8_t)(obu->header[0] & ~AV1_HAS_SIZE), obu->header[1]};
    const size_t header_size = begins ? obu->header_size : 0;
    uint8_t length[FV_AV1_LEB128_BYTES];
    put(packer, length, fv_av1_write_leb128(length, header_size + part.size));
    put(packer, header, header_size);
    put(packer, part.data, part.size);
}

static int pack_obu(struct packer *packer, const struct fv_av1_obu *obu)
{
    size_t done = 0;
    bool begins = true;
    if (FV_SIM_MTU - packer->size < AV1_ROOM_MIN) {
        int rc = flush(packer, 0);
        if (rc < 0)
            return rc;
    }
    for (;;) {
        const size_t room =
            FV_SIM_MTU - packer->size - AV1_LENGTH - (begins ? obu->header_size : 0);
        const size_t left = obu->payload_size - done, part = left < room ? left : room;
        put_element(packer, obu, begins, (struct fv_nal){obu->payload + done, part});
        done += part;
        begins = false;
        if (done == obu->payload_size)
            return 0;
        packer->packet[0] |= AV1_CONTINUES;
        int rc = flush(packer, AV1_CONTINUED);
        if (rc < 0)
            return rc;
    }
}

static int packetize_av1(const struct fv_whole_packetizer *p, const uint8_t *au, size_t size,
                         bool key)
{
    struct packer packer = {.to = p, .packet = {key ? AV1_NEW : 0}, .size = 1};
    for (struct fv_av1_obu obu; size; au += obu.size, size -= obu.size) {
        int rc = fv_av1_obu(au, size, &obu);
        if (rc == 0 && obu.type != FV_AV1_TEMPORAL_DELIMITER && obu.type != FV_AV1_TILE_LIST)
            rc = pack_obu(&packer, &obu);
        if (rc < 0)
            return rc;
    }
    return flush(&packer, 0);
}

int fv_packetize_whole(const struct fv_whole_packetizer *packetizer, const uint8_t *au, size_t size,
                       bool key)
{
    switch (packetizer->codec) {
    case FV_CODEC_JPEG:
        return packetize_jpeg(packetizer, au, size);
    case FV_CODEC_VP9:
        return packetize_vp9(packetizer, au, size, key);
    case FV_CODEC_AV1:
        return packetize_av1(packetizer, au, size, key);
    default:
        return -ENOTSUP;
    }
}
