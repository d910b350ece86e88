// SPDX-License-Identifier: Apache-2.0
/*
 * NVIDIA's bitstream parser, fed with damaged access units as fv_nvdec_packets() lets them through: it must neither crash nor hang. The
 * parser is plain code of libnvcuvid.so.1, which is found as programs find libraries (LD_LIBRARY_PATH): no GPU is needed.
 *
 *   parser_check [--seconds S] [--first ROUND] CLIP     default: 20 seconds, from round 1 on
 *   parser_check --replay ROUND CLIP                    this round alone and in this process, for a debugger
 *
 * A round is a parser of its own and some access units, of which most are damaged where they begin or anywhere. Before the rounds the whole
 * clip must come to the same through the gate and past it. Prints a line of JSON for the clip and one for each round that killed its process.
 * Exit: 0 none, 1 some, 2 usage, 77 no library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "decode/nvdec_packet.h"
#include "engine/bench_clip.h"
#include "gpu/driver.h"

#define HEAD 200        /* bytes with headers */
#define HANGS 10        /* seconds for a round */
#define ROUNDS 400      /* of a process */
#define KILLED_MAX 20   /* rounds, then it is enough */
#define GROWTH 64       /* bytes that damage adds, at most */
#define SURFACES_MAX 32 /* the driver's bound */

static CUresult (*create_parser)(CUvideoparser *parser, CUVIDPARSERPARAMS *params);
static CUresult (*parse_data)(CUvideoparser parser, CUVIDSOURCEDATAPACKET *packet);
static CUresult (*destroy_parser)(CUvideoparser parser);

static struct fv_bench_clip clip;

/* Outlives the process of a round. */
static struct shared {
    volatile uint64_t round, unit, passed, refused;
} * shared;

static struct fv_nvdec_known known; /* by the parser that is open */

struct seen {
    unsigned sequences, decoded, shown, bytes;
};

/* --- the parser ------------------------------------------------------------------------------------ */

static int CUDAAPI on_sequence(void *data, CUVIDEOFORMAT *format)
{
    struct seen *seen = data;
    seen->sequences++;
    unsigned surfaces = format->min_num_decode_surfaces;
    return (int)(surfaces < 2 ? 2 : surfaces > SURFACES_MAX ? SURFACES_MAX : surfaces);
}

/* Reads what the hardware would. */
static int CUDAAPI on_decode(void *data, CUVIDPICPARAMS *params)
{
    struct seen *seen = data;
    seen->decoded++;
    for (unsigned i = 0; i < params->nBitstreamDataLen; i++)
        seen->bytes += params->pBitstreamData[i];
    for (unsigned i = 0; params->pSliceDataOffsets && i < params->nNumSlices; i++)
        seen->bytes += params->pSliceDataOffsets[i];
    return 1;
}

static int CUDAAPI on_display(void *data, CUVIDPARSERDISPINFO *display)
{
    struct seen *seen = data;
    seen->shown += display != NULL;
    return 1;
}

static cudaVideoCodec codec_of(enum fv_codec codec)
{
    return codec == FV_CODEC_H264   ? cudaVideoCodec_H264
           : codec == FV_CODEC_H265 ? cudaVideoCodec_HEVC
           : codec == FV_CODEC_JPEG ? cudaVideoCodec_JPEG
           : codec == FV_CODEC_VP9  ? cudaVideoCodec_VP9
                                    : cudaVideoCodec_AV1;
}

static CUvideoparser open_parser(struct seen *seen)
{
    CUVIDPARSERPARAMS params = {
        .CodecType = codec_of(clip.codec),
        .ulMaxNumDecodeSurfaces = 1,
        .ulErrorThreshold = 100,
        .pUserData = seen,
        .pfnSequenceCallback = on_sequence,
        .pfnDecodePicture = on_decode,
        .pfnDisplayPicture = on_display,
    };
    CUvideoparser parser;
    if (create_parser(&parser, &params) != CUDA_SUCCESS) {
        fprintf(stderr, "parser_check: no parser for %s\n", fv_codec_name(clip.codec));
        exit(1);
    }
    known = (struct fv_nvdec_known){0};
    return parser;
}

static void close_parser(CUvideoparser parser)
{
    parse_data(parser, &(CUVIDSOURCEDATAPACKET){.flags = CUVID_PKT_ENDOFSTREAM});
    destroy_parser(parser);
}

/* As nvdec_parser.c does it: what comes out otherwise than it was read ends what is known. */
static bool hand_over(CUvideoparser parser, const struct fv_nvdec_packet *packets, int count,
                      const struct seen *seen)
{
    bool good = true;
    for (int i = 0; i < count && good; i++) {
        CUVIDSOURCEDATAPACKET packet = {
            .flags = i + 1 == count || packets[i].pictures >= 0 ? CUVID_PKT_ENDOFPICTURE : 0,
            .payload = packets[i].data,
            .payload_size = packets[i].size,
        };
        unsigned before = seen->decoded;
        good = parse_data(parser, &packet) == CUDA_SUCCESS;
        if (packets[i].pictures >= 0 && seen->decoded - before != (unsigned)packets[i].pictures)
            good = false;
    }
    if (!good)
        known = (struct fv_nvdec_known){0};
    return good;
}

/* --- damage ---------------------------------------------------------------------------------------- */

struct bytes {
    uint8_t *data;
    size_t size;
};

static size_t below(struct fv_rand *rand, size_t limit)
{
    return (size_t)fv_rand_below(rand, limit);
}

static void put_in(struct bytes *bytes, size_t at, const uint8_t *more, size_t count)
{
    memmove(bytes->data + at + count, bytes->data + at, bytes->size - at);
    memcpy(bytes->data + at, more, count);
    bytes->size += count;
}

static void take_out(struct bytes *bytes, size_t at, size_t count)
{
    if (at + count >= bytes->size)
        return;
    bytes->size -= count;
    memmove(bytes->data + at, bytes->data + at + count, bytes->size - at);
}

/* An Exp-Golomb code of 32 bits and more, with emulation prevention, in place of what is there or between it. */
static void put_huge_number(struct fv_rand *rand, struct bytes *bytes, size_t at)
{
    uint8_t code[10] = {0, 0, 3, 0, 0, 3, 0, 0, 3, 1};
    size_t count = 5 + below(rand, 6);
    code[count - 1] = (uint8_t)(1 + below(rand, 255));
    if (below(rand, 2))
        code[0] = (uint8_t)below(rand, 256);
    if (below(rand, 2))
        put_in(bytes, at, code, count);
    else if (at + count < bytes->size)
        memcpy(bytes->data + at, code, count);
}

/* What stands in another access unit's head. */
static void put_foreign(struct fv_rand *rand, struct bytes *bytes, size_t at)
{
    const struct fv_au *other = &clip.units[below(rand, clip.count)];
    size_t count = 1 + below(rand, 60), reach = other->size < HEAD ? other->size : HEAD;
    size_t from = below(rand, reach);
    if (from + count <= other->size && at + count <= bytes->size)
        memcpy(bytes->data + at, other->buf->data + from, count);
}

static void put_run(struct fv_rand *rand, struct bytes *bytes, size_t at)
{
    size_t count = 1 + below(rand, 8);
    if (at + count <= bytes->size)
        memset(bytes->data + at, below(rand, 2) ? 0xff : 0, count);
}

static void put_random(struct fv_rand *rand, struct bytes *bytes, size_t at)
{
    uint8_t more[6];
    for (size_t i = 0; i < sizeof(more); i++)
        more[i] = (uint8_t)(below(rand, 3) ? below(rand, 256) : 0);
    put_in(bytes, at, more, 1 + below(rand, sizeof(more)));
}

static void flip(struct fv_rand *rand, struct bytes *bytes, size_t reach, bool single_bits)
{
    for (size_t count = 1 + below(rand, 16); count > 0; count--)
        bytes->data[below(rand, reach)] ^=
            (uint8_t)(single_bits ? 1u << below(rand, 8) : 1 + below(rand, 255));
}

static void damage(struct fv_rand *rand, struct bytes *bytes)
{
    for (size_t count = 1 + below(rand, 3); count > 0; count--) {
        size_t head = bytes->size < HEAD ? bytes->size : HEAD, at = below(rand, head);
        switch (below(rand, 9)) {
        case 0:
            flip(rand, bytes, head, false);
            break;
        case 1:
            flip(rand, bytes, head, true);
            break;
        case 2:
            flip(rand, bytes, bytes->size, false);
            break;
        case 3:
            bytes->size = 1 + below(rand, bytes->size);
            break;
        case 4:
            put_random(rand, bytes, at);
            break;
        case 5:
            take_out(bytes, at, 1 + below(rand, 6));
            break;
        case 6:
            put_foreign(rand, bytes, at);
            break;
        case 7:
            put_run(rand, bytes, at);
            break;
        default:
            put_huge_number(rand, bytes, at);
        }
    }
}

/* --- rounds ---------------------------------------------------------------------------------------- */

/* A copy of the access unit in memory of just its size, two of three damaged. */
static void send(struct fv_rand *rand, CUvideoparser parser, const struct seen *seen,
                 const struct fv_au *unit)
{
    struct bytes bytes = {calloc(1, unit->size + GROWTH), unit->size};
    memcpy(bytes.data, unit->buf->data, unit->size);
    if (below(rand, 3))
        damage(rand, &bytes);
    struct fv_buf buf = {.data = calloc(1, bytes.size + FV_AU_PADDING)};
    memcpy(buf.data, bytes.data, bytes.size);
    struct fv_au au = *unit;
    au.buf = &buf;
    au.size = bytes.size;
    struct fv_nvdec_packet packets[FV_NVDEC_PACKETS_MAX];
    int count = fv_nvdec_packets(&au, &known, packets, NULL);
    if (count > 0)
        hand_over(parser, packets, count, seen);
    shared->passed += count > 0;
    shared->refused += count < 0;
    free(buf.data);
    free(bytes.data);
}

static void run_round(uint64_t round)
{
    struct fv_rand rand;
    struct seen seen = {0};
    fv_rand_seed(&rand, round);
    shared->round = round;
    CUvideoparser parser = open_parser(&seen);
    size_t next = 0, units = 4 + below(&rand, 20);
    for (size_t i = 0; i < units; i++) {
        shared->unit = i;
        if (below(&rand, 5) == 0)
            next = below(&rand, clip.count);
        send(&rand, parser, &seen, &clip.units[next++ % clip.count]);
    }
    close_parser(parser);
}

/* Rounds in a process of its own, up to one that kills it. The next round's number. */
static uint64_t run_some(uint64_t first, int64_t until, unsigned *killed)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (uint64_t round = first; round < first + ROUNDS && fv_now() < until; round++) {
            alarm(HANGS);
            run_round(round);
        }
        _exit(0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        perror("parser_check");
        exit(1);
    }
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status) ? UINT64_MAX : shared->round + 1;
    printf("{\"check\":\"parser\",\"round\":%llu,\"unit\":%llu,\"signal\":%d,\"hung\":%s}\n",
           (unsigned long long)shared->round, (unsigned long long)shared->unit, WTERMSIG(status),
           WTERMSIG(status) == SIGALRM ? "true" : "false");
    ++*killed;
    return shared->round + 1;
}

/* The whole clip, picked or as it is. */
static struct seen see(bool pick)
{
    struct seen seen = {0};
    CUvideoparser parser = open_parser(&seen);
    for (size_t i = 0; i < clip.count; i++) {
        const struct fv_au *au = &clip.units[i];
        struct fv_nvdec_packet packets[FV_NVDEC_PACKETS_MAX] = {{au->buf->data, au->size, -1}};
        int count = pick ? fv_nvdec_packets(au, &known, packets, NULL) : 1;
        if (count < 0 || !hand_over(parser, packets, count, &seen))
            fprintf(stderr, "parser_check: access unit %zu of the whole clip is refused\n", i);
    }
    close_parser(parser);
    return seen;
}

static int check(const char *path, uint64_t first, double seconds)
{
    struct seen all = see(false), picked = see(true);
    /* Of JPEG the bytes differ by the notes that are left out. */
    bool same = memcmp(&all, &picked, sizeof(all)) == 0 ||
                (clip.codec == FV_CODEC_JPEG && all.decoded == picked.decoded);
    int64_t until = fv_now() + (int64_t)(seconds * (double)FV_S);
    unsigned killed = 0;
    uint64_t next = first;
    while (next != UINT64_MAX && fv_now() < until && killed < KILLED_MAX)
        next = run_some(next, until, &killed);
    bool good = same && all.decoded > 0 && !killed && next != UINT64_MAX;
    printf("{\"check\":\"parser\",\"clip\":\"%s\",\"decoded\":%u,\"decoded_picked\":%u,\"rounds\":%"
           "llu,"
           "\"passed\":%llu,\"refused\":%llu,\"killed\":%u,\"ok\":%s}\n",
           path, all.decoded, picked.decoded, (unsigned long long)(next - first),
           (unsigned long long)shared->passed, (unsigned long long)shared->refused, killed,
           good ? "true" : "false");
    return good ? 0 : 1;
}

static bool find_parser(void)
{
    void *library = dlopen("libnvcuvid.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "parser_check: %s\n", dlerror());
        return false;
    }
    *(void **)&create_parser = dlsym(library, "cuvidCreateVideoParser");
    *(void **)&parse_data = dlsym(library, "cuvidParseVideoData");
    *(void **)&destroy_parser = dlsym(library, "cuvidDestroyVideoParser");
    return create_parser && parse_data && destroy_parser;
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    bool replay = false;
    double seconds = 20;
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        replay |= strcmp(argv[i], "--replay") == 0;
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtod(argv[i + 1], NULL);
        else
            first = strtoull(argv[i + 1], NULL, 10);
    }
    if (i + 1 != argc) {
        fprintf(stderr,
                "Usage: parser_check [--seconds S] [--first ROUND] [--replay ROUND] CLIP\n");
        return 2;
    }
    struct fv_error err = {0};
    if (!find_parser())
        return 77;
    if (fv_bench_clip_load(argv[i], &clip, &err) < 0) {
        fprintf(stderr, "parser_check: %s: %s\n", argv[i], err.text);
        return 1;
    }
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    if (replay)
        run_round(first);
    int rc = replay ? 0 : check(argv[i], first, seconds);
    fv_bench_clip_free(&clip);
    return rc;
}
