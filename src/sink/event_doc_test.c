// SPDX-License-Identifier: Apache-2.0
/* docs/events.md holds what the tables say that write the events. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "sink/event_json.h"

struct text {
    size_t size;
    char data[16000];
};

static void put(void *data, const char *piece)
{
    struct text *text = data;
    const size_t size = strlen(piece);
    assert_true(text->size + size < sizeof(text->data));
    memcpy(text->data + text->size, piece, size + 1);
    text->size += size;
}

/* __FILE__ is relative to the build folder, in which tests run. */
static const char *read_page(void)
{
    static char page[64000];
    char path[500];
    snprintf(path, sizeof(path), "%.*s../../docs/events.md",
             (int)(sizeof(__FILE__) - sizeof("event_doc_test.c")), __FILE__);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = 0;
    fclose(file);
    return page;
}

static void check(const char *page, const char *name, enum fv_event_document part)
{
    char begin[64], end[64];
    static struct text want;
    want = (struct text){.size = 0};
    snprintf(begin, sizeof(begin), "<!-- %s: generated -->\n", name);
    snprintf(end, sizeof(end), "<!-- %s: end -->\n", name);
    const char *from = strstr(page, begin), *to = strstr(page, end);
    assert_non_null(from);
    assert_non_null(to);
    from += strlen(begin);
    fv_event_document(part, put, &want);
    if ((size_t)(to - from) != want.size || memcmp(from, want.data, want.size) != 0)
        fail_msg("docs/events.md differs from the table '%s', which says:\n%s", name, want.data);
}

static void test_document_is_current(void **state)
{
    (void)state;
    const char *page = read_page();
    check(page, "frame", FV_DOCUMENT_FRAME);
    check(page, "detection", FV_DOCUMENT_DETECTION);
    check(page, "zone", FV_DOCUMENT_ZONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
