// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sim/testkit.h"

static void a_raw_stream_becomes_a_clip(void **state)
{
    const struct kit_stream stream = {.pictures = 6, .gop = 3, .slice = 3000};
    struct fv_clip *clip = kit_clip(&stream, 10);
    assert_int_equal(clip->codec, FV_CODEC_H264);
    assert_int_equal(clip->format.width, 320);
    assert_int_equal(clip->format.height, 240);
    assert_int_equal(clip->au_count, 6);
    assert_int_equal(clip->ticks, 54000);
    assert_int_equal(clip->set_count, 2);
    /* key: STAP-A and three fragments (2,999 bytes in steps of 1,398); others: three fragments */
    assert_int_equal(clip->packet_count, 2 * 4 + 4 * 3);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(clip->aus[i].send, i * 9000);
        assert_int_equal(clip->aus[i].time, i * 9000);
        assert_int_equal(clip->aus[i].duration, 9000);
        assert_int_equal(clip->aus[i].key, i % 3 == 0);
        assert_int_equal(clip->aus[i].packet_count, i % 3 ? 3 : 4);
    }
    assert_int_equal(fv_clip_next_key(clip, 0), 0);
    assert_int_equal(fv_clip_next_key(clip, 1), 3);
    assert_int_equal(fv_clip_next_key(clip, 4), 0);
    fv_clip_destroy(clip);
}

static void uneven_rates_do_not_drift(void **state)
{
    const struct kit_stream stream = {.pictures = 7, .gop = 7, .slice = 10};
    struct fv_clip *clip = kit_clip(&stream, 7.0);
    int64_t sum = 0;
    for (uint32_t i = 0; i < 7; i++)
        sum += clip->aus[i].duration;
    assert_int_equal(clip->ticks, 90000);
    assert_int_equal(sum, 90000);
    fv_clip_destroy(clip);
    clip = kit_clip(&stream, 0); /* the stream says nothing: 25 */
    assert_int_equal(clip->ticks, 7 * 3600);
    fv_clip_destroy(clip);
}

static void it_starts_at_a_key_picture(void **state)
{
    const struct kit_stream stream = {.pictures = 5, .gop = 2, .slice = 10, .leading = true};
    struct fv_clip *clip = kit_clip(&stream, 25);
    assert_int_equal(clip->au_count, 4);
    assert_true(clip->aus[0].key);
    assert_int_equal(clip->aus[0].send, 0);
    assert_int_equal(clip->ticks, 4 * 3600);
    fv_clip_destroy(clip);
}

/* The first packet of a later key picture: STAP-A with delimiter, SPS, PPS although the file has
 * them once only. */
static void sets_are_repeated_in_band(void **state)
{
    const struct kit_stream stream = {
        .pictures = 4, .gop = 2, .slice = 10, .sets_once = true, .delimiters = true};
    struct fv_clip *clip = kit_clip(&stream, 25);
    const struct fv_clip_packet *packet = &clip->packets[clip->aus[2].packet];
    const uint8_t expected[] = {0x78, 0, 2,    0x09, 0xf0, 0, 8,    0x67, 0x42, 0xc0, 0x1e,
                                0xda, 5, 0x07, 0xe4, 0,    4, 0x68, 0xce, 0x38, 0x80};
    assert_int_equal(clip->aus[2].packet_count, 2);
    assert_int_equal(packet->size, sizeof(expected));
    assert_memory_equal(clip->bytes + packet->offset, expected, sizeof(expected));
    fv_clip_destroy(clip);
}

/* Without NAL units: what comes before the first key frame is left out; there are no sets to name. */
static void whole_pictures_become_a_clip(void **state)
{
    static const uint8_t key[] = {0x82, 0x49, 0x83, 0x42, 0x20,
                                  0x03, 0xf0, 0x02, 0xf0}; /* 64 x 48 */
    static const uint8_t inter[] = {0x86, 0x11};
    struct fv_clip_builder *builder;
    struct fv_clip *clip;
    struct fv_error err;
    assert_int_equal(fv_clip_builder_create(FV_CODEC_VP9, &builder), 0);
    assert_int_equal(fv_clip_builder_add(builder, inter, sizeof(inter), 0, 0), 0);
    assert_int_equal(fv_clip_builder_add(builder, key, sizeof(key), 3600, 3600), 0);
    assert_int_equal(fv_clip_builder_add(builder, inter, sizeof(inter), 7200, 7200), 0);
    assert_int_equal(fv_clip_builder_finish(builder, 10800, 0, &clip, &err), 0);
    assert_int_equal(clip->codec, FV_CODEC_VP9);
    assert_int_equal(clip->format.width, 64);
    assert_int_equal(clip->au_count, 2);
    assert_int_equal(clip->packet_count, 2);
    assert_int_equal(clip->set_count, 0);
    assert_true(clip->aus[0].key && !clip->aus[1].key);
    assert_int_equal(clip->aus[1].send, 3600);
    fv_clip_destroy(clip);
    fv_clip_builder_destroy(builder);
}

static int open_bytes(const void *data, size_t size, const char *codec, struct fv_error *err)
{
    char path[] = "/tmp/fovea-clip-XXXXXX";
    struct fv_clip *clip = NULL;
    kit_write(path, data, size);
    const struct fv_clip_params params = {.path = path, .codec = codec};
    int rc = fv_clip_open(&params, &clip, err);
    unlink(path);
    fv_clip_destroy(clip);
    return rc;
}

static int open_stream(const struct kit_stream *stream, struct fv_error *err)
{
    size_t size;
    uint8_t *data = kit_make(stream, &size);
    int rc = open_bytes(data, size, NULL, err);
    free(data);
    return rc;
}

static void bad_files_are_refused(void **state)
{
    const struct kit_stream no_sets = {.pictures = 3, .gop = 3, .slice = 10, .no_sets = true};
    const struct kit_stream no_key = {.pictures = 1, .gop = 9, .slice = 10, .leading = true};
    struct fv_error err = {0};
    struct fv_clip *clip;
    assert_int_equal(open_bytes("", 0, NULL, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "empty"));
    assert_true(open_bytes("some text that is no video", 26, NULL, &err) < 0);
    assert_true(open_bytes("\0\0\0\1", 4, NULL, &err) < 0);
    assert_int_equal(open_bytes("\0\0\0\1\x65\x88", 6, "mjpeg", &err), -EINVAL);
    assert_int_equal(open_bytes("\0\0\0\1\x65\x88\x80", 7, "h264", &err), -EBADMSG);
    assert_int_equal(open_stream(&no_sets, &err) < 0, 1);
    assert_int_equal(open_stream(&no_key, &err) < 0, 1);
    assert_int_equal(fv_clip_open(&(struct fv_clip_params){.path = "/nowhere/x.h264"}, &clip, &err),
                     -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/x.h264"));
    assert_int_equal(fv_clip_open(&(struct fv_clip_params){.path = "/tmp"}, &clip, &err), -EISDIR);
    assert_int_equal(fv_clip_open(&(struct fv_clip_params){.path = "/tmp", .fps = -1}, &clip, &err),
                     -EINVAL);
}

static void every_allocation_may_fail(void **state)
{
    const struct kit_stream stream = {.pictures = 4, .gop = 2, .slice = 3000};
    struct fv_error err = {0};
    size_t size;
    uint8_t *data = kit_make(&stream, &size);
    unsigned n = 0;
    int rc;
    do {
        fv_alloc_fail_at(++n);
        rc = open_bytes(data, size, NULL, &err);
        assert_true(rc == 0 || rc == -ENOMEM);
    } while (!fv_alloc_fail_pending());
    fv_alloc_fail_at(0);
    assert_int_equal(rc, 0);
    assert_true(n > 4);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raw_stream_becomes_a_clip),  cmocka_unit_test(uneven_rates_do_not_drift),
        cmocka_unit_test(it_starts_at_a_key_picture),   cmocka_unit_test(sets_are_repeated_in_band),
        cmocka_unit_test(whole_pictures_become_a_clip), cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
