// SPDX-License-Identifier: Apache-2.0
/* Replays files and folders (recursively) through a fuzz target; each input also cut at several lengths. Missing paths are skipped. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    static uint8_t buffer[1 << 20];
    size_t size = fread(buffer, 1, sizeof(buffer), file);
    fclose(file);
    size_t step = size / 16 + 1;
    for (size_t cut = size;; cut -= step) {
        /* A copy of the exact size: a read past the end is seen by the sanitizers. */
        uint8_t *copy = malloc(cut ? cut : 1);
        if (!copy)
            abort();
        memcpy(copy, buffer, cut);
        LLVMFuzzerTestOneInput(copy, cut);
        free(copy);
        inputs++;
        if (cut < step)
            break;
    }
}

static int visit(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)walk;
    if (type == FTW_F)
        replay(path);
    return 0;
}

int main(int argc, char **argv)
{
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        nftw(argv[i], visit, 16, FTW_PHYS);
    printf("%zu inputs replayed\n", inputs);
    return 0;
}
