// SPDX-License-Identifier: Apache-2.0
/*
 * A fuzz target on files that are nearly right: bytes changed, cut out, doubled, pieces of other files put in. The same seed makes the
 * same files. A crash names the round; an answer that does not come within PATIENCE ends the process.
 *
 *     mutate ROUNDS FILE...
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rand.h"

#define PATIENCE 30 /* seconds for one file, under a sanitizer too */
#define SIZE_MAX_BYTES 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    uint8_t data[SIZE_MAX_BYTES];
    size_t size;
};

static struct text *seeds;
static unsigned seed_count;
static volatile unsigned current;

static void name_round(int number)
{
    char line[80];
    int size = snprintf(line, sizeof(line), "not ok: round %u, signal %d\n", current, number);
    if (write(STDOUT_FILENO, line, (size_t)size) != size)
        _exit(2);
    _exit(1);
}

static void read_seed(const char *path, struct text *text)
{
    FILE *file = fopen(path, "rb");
    text->size = file ? fread(text->data, 1, sizeof(text->data), file) : 0;
    if (file)
        fclose(file);
}

static size_t place(struct fv_rand *rand, size_t size)
{
    return size ? (size_t)(fv_rand_u64(rand) % size) : 0;
}

/* `size` bytes at `from` go in at `to`. */
static void insert(struct text *text, size_t to, const uint8_t *from, size_t size)
{
    if (text->size + size > sizeof(text->data))
        return;
    memmove(text->data + to + size, text->data + to, text->size - to);
    memcpy(text->data + to, from, size);
    text->size += size;
}

static void mutate_once(struct fv_rand *rand, struct text *text)
{
    static const char *const words[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        "\"",
                                        ",",
                                        ":",
                                        "null",
                                        "1e999",
                                        "-0",
                                        "NaN",
                                        "\\u0000",
                                        "\xFF",
                                        "\"cameras\"",
                                        "\"RTSP_STREAMS\"",
                                        "rtsp://u:p@[::1]:99999/",
                                        "[[[[[[[["};
    const struct text *other = &seeds[place(rand, seed_count)];
    uint8_t piece[64];
    size_t at = place(rand, text->size), size = 1 + place(rand, sizeof(piece));
    switch (fv_rand_u64(rand) % 5) {
    case 0:
        if (text->size)
            text->data[at] = (uint8_t)fv_rand_u64(rand);
        break;
    case 1: /* cut out */
        size = size < text->size - at ? size : text->size - at;
        memmove(text->data + at, text->data + at + size, text->size - at - size);
        text->size -= size;
        break;
    case 2: /* doubled */
        size = size < text->size - at ? size : text->size - at;
        memcpy(piece, text->data + at, size);
        insert(text, at, piece, size);
        break;
    case 3: { /* of another file */
        size_t from = place(rand, other->size);
        size = size < other->size - from ? size : other->size - from;
        insert(text, at, other->data + from, size);
        break;
    }
    default: {
        const char *word = words[place(rand, sizeof(words) / sizeof(words[0]))];
        insert(text, at, (const uint8_t *)word, strlen(word));
    }
    }
}

int main(int argc, char **argv)
{
    static struct text text;
    struct fv_rand rand;
    double longest = 0;
    if (argc < 3)
        return 77;
    seeds = calloc((size_t)argc, sizeof(seeds[0]));
    for (int i = 2; seeds && i < argc; i++)
        read_seed(argv[i], &seeds[seed_count++]);
    signal(SIGALRM, name_round);
    fv_rand_seed(&rand, 6);
    for (current = 0; seeds && current < (unsigned)atoi(argv[1]); current++) {
        struct timespec from, to;
        text = seeds[place(&rand, seed_count)];
        for (size_t n = 1 + place(&rand, 8); n > 0; n--)
            mutate_once(&rand, &text);
        alarm(PATIENCE);
        clock_gettime(CLOCK_MONOTONIC, &from);
        LLVMFuzzerTestOneInput(text.data, text.size);
        clock_gettime(CLOCK_MONOTONIC, &to);
        double took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        longest = took > longest ? took : longest;
    }
    alarm(0);
    printf("%u files, the longest took %.3f s\n", current, longest);
    free(seeds);
    return current == (unsigned)atoi(argv[1]) ? 0 : 1;
}
