// SPDX-License-Identifier: Apache-2.0
/*
 * Decoding on a real GPU against libavcodec's sums (make-clips makes both): one line of JSON for each check, exit 1 when one
 * failed, 3 without a GPU.
 *
 *   decode_check compare [--cpu] [--map same|next] CLIP...   every picture's luma, in order; CLIP.sums holds the sums, without it
 *                                                            they are counted; CLIP.luma: samples, which may be LUMA_FAR apart
 *                                                            and LUMA_MEAN on the average; CLIP.refused: -ENOTSUP is expected,
 *                                                            CLIP.optional: it is allowed
 *   decode_check hold CLIP...            as compare, but sums are taken when four newer pictures are out: do they last?
 *   decode_check changes N CLIP...       N changes of size: each clip's first picture in turn
 *   decode_check restarts N CLIP         N times a camera that comes, has a picture and goes; then N/20 times everything anew
 *   decode_check corrupt [--seed S] N CLIP   N broken copies of the clip, a camera beside it that stays whole, and recovery; without
 *                                        CLIP.sums the clip's own pictures before the first broken one are what is right
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "decode_run.h"

#define SUMS_MAX 4096
#define KEEP 4
/* Of two decoders of JPEG, each within a step of what is exact (IEEE 1180, of the inverse transform). */
#define LUMA_FAR 2
#define LUMA_MEAN 0.5

static int failures;

struct sums {
    char (*hex)[33];
    unsigned count;
};

struct luma {
    uint8_t *samples;
    size_t size, used; /* bytes */
    struct run_difference difference;
};

struct compare {
    struct sums sums;
    struct luma luma;
    bool whole; /* each access unit shows one picture: its own */
    bool learn; /* the sums are these pictures' */
    unsigned misplaced;
    unsigned seen, wrong, first_wrong, out_of_order, damaged;
    int64_t last_pts;
    bool in_order; /* decoding order is output order */
    struct fv_picture *kept[KEEP];
    unsigned keep, kept_count;
    enum fv_pixel_format format;
    unsigned width, height;
};

static bool read_sums(const char *clip, struct sums *sums)
{
    char path[4096], line[256];
    snprintf(path, sizeof(path), "%s.sums", clip);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    sums->hex = calloc(SUMS_MAX, sizeof(*sums->hex));
    while (sums->hex && sums->count < SUMS_MAX && fgets(line, sizeof(line), file))
        if (sscanf(line, "%32[0-9a-f]", sums->hex[sums->count]) == 1)
            sums->count++;
    fclose(file);
    return true;
}

static bool has_file(const char *clip, const char *suffix)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s.%s", clip, suffix);
    FILE *file = fopen(path, "r");
    if (file)
        fclose(file);
    return file != NULL;
}

static void read_luma(const char *clip, struct luma *luma)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s.luma", clip);
    FILE *file = fopen(path, "rb");
    long size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
    luma->samples = size > 0 ? malloc((size_t)size) : NULL;
    if (luma->samples) {
        rewind(file);
        luma->size = fread(luma->samples, 1, (size_t)size, file);
    }
    if (file)
        fclose(file);
}

/* As far as there are samples. */
static bool judge_luma(struct run *run, struct luma *luma, const struct fv_picture *picture)
{
    size_t size = (size_t)picture->info.width * picture->info.height;
    if (luma->used == luma->size)
        return true;
    if (size > luma->size - luma->used ||
        !run_luma_difference(run, picture, luma->samples + luma->used, &luma->difference))
        return false;
    luma->used += size;
    return luma->difference.largest <= LUMA_FAR;
}

static double luma_mean(const struct luma *luma)
{
    const struct run_difference *difference = &luma->difference;
    return difference->samples ? (double)difference->total / (double)difference->samples : 0;
}

/* Another picture's sum is what will be expected. */
static void learn(struct run *run, struct sums *sums, const struct fv_picture *picture)
{
    if (!sums->hex)
        sums->hex = calloc(SUMS_MAX, sizeof(*sums->hex));
    if (sums->hex && sums->count < SUMS_MAX && run_luma_md5(run, picture, sums->hex[sums->count]))
        sums->count++;
}

static void judge(struct run *run, struct compare *compare, const struct fv_picture *picture)
{
    char hex[33];
    if (compare->learn)
        learn(run, &compare->sums, picture);
    unsigned i = compare->seen++;
    bool good = run_luma_md5(run, picture, hex) &&
                (!compare->sums.hex ||
                 (i < compare->sums.count && strcmp(hex, compare->sums.hex[i]) == 0)) &&
                judge_luma(run, &compare->luma, picture);
    compare->misplaced += compare->whole && picture->info.pts != (int64_t)i + 1;
    if (!good && compare->wrong++ == 0)
        compare->first_wrong = i;
    compare->out_of_order += picture->info.pts <= compare->last_pts;
    compare->damaged += picture->info.flags & FV_FRAME_DAMAGED ? 1 : 0;
    compare->last_pts = picture->info.pts;
    compare->format = picture->format;
    compare->width = picture->info.width;
    compare->height = picture->info.height;
}

static void on_compare(struct run *run, struct fv_picture *picture)
{
    struct compare *compare = run->data;
    if (picture->info.camera != 0) {
        fv_picture_unref(picture);
        return;
    }
    if (compare->keep) {
        struct fv_picture **slot = &compare->kept[compare->kept_count++ % compare->keep];
        struct fv_picture *oldest = *slot;
        *slot = picture;
        picture = oldest;
    }
    if (!picture)
        return;
    judge(run, compare, picture);
    fv_picture_unref(picture);
}

static void judge_kept(struct run *run, struct compare *compare)
{
    for (unsigned i = 0; i < compare->keep; i++) {
        struct fv_picture *picture = compare->kept[compare->kept_count++ % compare->keep];
        if (!picture)
            continue;
        judge(run, compare, picture);
        fv_picture_unref(picture);
    }
}

static bool load(const char *path, struct fv_bench_clip *ret_clip)
{
    struct fv_error err = {0};
    if (fv_bench_clip_load(path, ret_clip, &err) == 0)
        return true;
    printf("{\"check\":\"load\",\"clip\":\"%s\",\"ok\":false,\"error\":\"%s\"}\n", path, err.text);
    failures++;
    return false;
}

static const char *ok(bool good)
{
    failures += !good;
    return good ? "true" : "false";
}

static void push_clip(struct run *run, uint32_t camera, const struct fv_bench_clip *clip)
{
    for (size_t i = 0; i < clip->count; i++)
        run_push(run, camera, &clip->units[i], (int64_t)i + 1);
}

/* Everything came, and as it should; or the refusal that is expected or allowed. */
static bool is_good(const struct run *run, const struct compare *compare, const char *path)
{
    bool refused = !compare->seen && run->fault_code == -ENOTSUP;
    if (has_file(path, "refused"))
        return run->cpu || refused;
    if (refused && has_file(path, "optional"))
        return true;
    return !compare->wrong && !compare->misplaced && compare->seen == compare->sums.count &&
           compare->luma.used == compare->luma.size && luma_mean(&compare->luma) <= LUMA_MEAN &&
           !run->faults;
}

static void compare_clip(const char *path, const struct run *base, unsigned keep)
{
    struct fv_bench_clip clip;
    struct compare compare = {.keep = keep};
    struct run run = {.cpu = base->cpu, .map = base->map, .picture = on_compare, .data = &compare};
    bool has_sums = read_sums(path, &compare.sums);
    read_luma(path, &compare.luma);
    if (!load(path, &clip))
        return;
    compare.whole = clip.codec != FV_CODEC_H264 && clip.codec != FV_CODEC_H265;
    if (!has_sums && !has_file(path, "refused"))
        compare.sums.count = (unsigned)clip.count; /* only counted */
    run_open(&run);
    push_clip(&run, 0, &clip);
    run_finish(&run);
    judge_kept(&run, &compare);
    printf("{\"check\":\"%s\",\"clip\":\"%s\",\"backend\":\"%s\",\"map\":%d,\"size\":\"%ux%u\","
           "\"format\":%d,"
           "\"units\":%zu,\"pictures\":%u,\"expected\":%u,\"wrong\":%u,\"first_wrong\":%d,\"pts_"
           "backwards\":%u,\"misplaced\":%u,\"luma_samples\":%llu,\"luma_largest\":%u,"
           "\"luma_mean\":%.4f,"
           "\"damaged\":%u,\"faults\":%llu,\"fault_code\":%d,\"fault\":\"%s\",\"ok\":%s}\n",
           keep ? "hold" : "compare", path, run.cpu ? "cpu" : "nvdec", (int)run.map, compare.width,
           compare.height, (int)compare.format, clip.count, compare.seen, compare.sums.count,
           compare.wrong, compare.wrong ? (int)compare.first_wrong : -1, compare.out_of_order,
           compare.misplaced, (unsigned long long)compare.luma.difference.samples,
           compare.luma.difference.largest, luma_mean(&compare.luma), compare.damaged,
           (unsigned long long)run.faults, run.fault_code, run.fault,
           ok(is_good(&run, &compare, path)));
    run_close(&run);
    fv_bench_clip_free(&clip);
    free(compare.sums.hex);
    free(compare.luma.samples);
}

static void on_any(struct run *run, struct fv_picture *picture)
{
    (void)run;
    fv_picture_unref(picture);
}

static void print_memory(const char *check, const char *at, unsigned n, const struct run_memory *m)
{
    printf(
        "{\"check\":\"%s\",\"at\":\"%s\",\"n\":%u,\"gpu_free_mb\":%.1f,\"rss_mb\":%.1f,"
        "\"sessions\":%u,"
        "\"idle\":%u,\"created\":%llu,\"destroyed\":%llu,\"reused\":%llu,\"reconfigured\":%llu}\n",
        check, at, n, m->gpu_free_mb, m->rss_mb, m->sessions, m->idle,
        (unsigned long long)m->created, (unsigned long long)m->destroyed,
        (unsigned long long)m->reused, (unsigned long long)m->reconfigured);
}

/* Memory is flat when the second half took no more than 8 MB of either kind. */
static bool is_flat(const struct run_memory *half, const struct run_memory *end)
{
    return half->gpu_free_mb - end->gpu_free_mb < 8 && end->rss_mb - half->rss_mb < 8;
}

static void changes(unsigned count, char **paths, int path_count, bool cpu)
{
    struct fv_bench_clip clips[16];
    int loaded = 0;
    for (; loaded < path_count && loaded < 16; loaded++)
        if (!load(paths[loaded], &clips[loaded]))
            return;
    struct run run = {.cpu = cpu, .picture = on_any};
    run_open(&run);
    struct run_memory half = {0}, end;
    unsigned done = 0;
    int64_t begin = fv_now();
    for (; done < count; done++) {
        run_push(&run, 0, &clips[done % (unsigned)loaded].units[0], (int64_t)done + 1);
        if (!run_wait(&run, 0, done + 1))
            break;
        if (done == count / 2) {
            half = run_memory(&run);
            print_memory("changes", "half", done, &half);
        }
    }
    double ms = (double)(fv_now() - begin) / (double)FV_MS / count;
    end = run_memory(&run);
    print_memory("changes", "end", done, &end);
    printf("{\"check\":\"changes\",\"changes\":%u,\"wanted\":%u,\"ms_each\":%.2f,\"fault\":\"%s\","
           "\"ok\":%s}\n",
           done, count, ms, run.fault, ok(done == count && is_flat(&half, &end)));
    run_close(&run);
    while (loaded)
        fv_bench_clip_free(&clips[--loaded]);
}

static void come_and_go(struct run *run, const struct fv_bench_clip *clip, unsigned count)
{
    struct run_memory half = {0}, end;
    uint64_t before = run->pictures[0];
    unsigned done = 0;
    int64_t begin = fv_now();
    for (; done < count; done++) {
        run_push(run, 0, &clip->units[0], (int64_t)done + 1);
        if (!run_wait(run, 0, before + done + 1))
            break;
        fv_decode_worker_forget(run->worker, 0);
        if (done == count / 2)
            half = run_memory(run);
    }
    double ms = (double)(fv_now() - begin) / (double)FV_MS / count;
    end = run_memory(run);
    print_memory("restarts", "half", count / 2, &half);
    print_memory("restarts", "end", done, &end);
    printf("{\"check\":\"restarts\",\"restarts\":%u,\"wanted\":%u,\"ms_each\":%.2f,\"fault\":\"%"
           "s\",\"ok\":%s}\n",
           done, count, ms, run->fault, ok(done == count && is_flat(&half, &end)));
}

static void restarts(unsigned count, const char *path, bool cpu)
{
    struct fv_bench_clip clip;
    struct run run = {.cpu = cpu, .picture = on_any};
    if (!load(path, &clip))
        return;
    run_open(&run);
    come_and_go(&run, &clip, count);
    struct run_memory half = {0}, end;
    unsigned done = 0, fresh = count / 20;
    int64_t begin = fv_now();
    for (; done < fresh; done++) {
        run_close_decoders(&run);
        run_open_decoders(&run);
        run_push(&run, 1, &clip.units[0], (int64_t)done + 1);
        if (!run_wait(&run, 1, done + 1))
            break;
        if (done == fresh / 2)
            half = run_memory(&run);
    }
    double ms = (double)(fv_now() - begin) / (double)FV_MS / (fresh ? fresh : 1);
    end = run_memory(&run);
    print_memory("recreations", "half", fresh / 2, &half);
    print_memory("recreations", "end", done, &end);
    printf("{\"check\":\"recreations\",\"done\":%u,\"wanted\":%u,\"ms_each\":%.2f,\"fault\":\"%s\","
           "\"ok\":%s}\n",
           done, fresh, ms, run.fault, ok(done == fresh && is_flat(&half, &end)));
    run_close(&run);
    fv_bench_clip_free(&clip);
}

/* A copy of the access unit with flipped bytes, or cut short. */
static struct fv_au broken(struct fv_buf_pool *pool, const struct fv_au *au, struct fv_rand *rand)
{
    struct fv_au copy = *au;
    if (fv_buf_get(pool, au->size + FV_AU_PADDING, &copy.buf) < 0)
        exit(1);
    memcpy(copy.buf->data, au->buf->data, au->size + FV_AU_PADDING);
    uint32_t what = (uint32_t)fv_rand_u64(rand);
    if (what % 4 == 0 && au->size > 64)
        copy.size = 32 + (size_t)(fv_rand_u64(rand) % (au->size - 32));
    memset(copy.buf->data + copy.size, 0, FV_AU_PADDING);
    for (uint32_t i = 0; what % 4 != 0 && i < what % 16; i++)
        copy.buf->data[fv_rand_u64(rand) % copy.size] ^= (uint8_t)(1 + fv_rand_u64(rand) % 255);
    return copy;
}

/* Camera 1 gets broken copies, camera 0 the whole clip each time; then camera 1 gets a whole one. */
static void corrupt(unsigned count, const char *path, bool cpu, uint64_t seed)
{
    struct fv_bench_clip clip;
    struct compare compare = {0};
    struct run run = {.cpu = cpu, .picture = on_compare, .data = &compare};
    compare.learn = !read_sums(path, &compare.sums);
    struct fv_buf_pool *pool;
    if (!load(path, &clip) || fv_buf_pool_create((size_t)1 << 28, 1 << 24, &pool) < 0)
        return;
    struct fv_rand rand;
    fv_rand_seed(&rand, seed);
    run_open(&run);
    unsigned wrong = 0, short_runs = 0, rounds = compare.learn ? 1 : 0;
    if (compare.learn) {
        push_clip(&run, 0, &clip);
        run_settle(&run);
        short_runs += !run_wait(&run, 0, clip.count);
        compare.learn = false;
        compare.seen = 0;
    }
    for (unsigned n = rounds; n < count + rounds; n++) {
        for (size_t i = 0; i < clip.count; i++) {
            struct fv_au au = broken(pool, &clip.units[i], &rand);
            run_push(&run, 1, &au, (int64_t)i + 1);
            run_push(&run, 0, &clip.units[i], (int64_t)(n * clip.count + i) + 1);
            fv_au_drop(&au);
        }
        run_settle(&run);
        short_runs += !run_wait(&run, 0, (uint64_t)(n + 1) * clip.count);
        wrong += compare.wrong;
        compare.wrong = compare.seen = 0;
    }
    char last_fault[300];
    unsigned long long faults = run.faults, broken_pictures = run.pictures[1];
    snprintf(last_fault, sizeof(last_fault), "%s", run.fault);
    run_no_fault(&run);
    push_clip(&run, 1, &clip);
    run_finish(&run);
    unsigned long long recovered = run.pictures[1] - broken_pictures;
    bool good = compare.sums.count > 0 && !wrong && !short_runs && recovered >= clip.count;
    printf("{\"check\":\"corrupt\",\"clip\":\"%s\",\"copies\":%u,\"units\":%zu,\"pictures_of_"
           "broken\":%llu,\"faults\":%llu,"
           "\"last_fault\":\"%s\",\"neighbour_wrong\":%u,\"neighbour_short\":%u,\"recovered\":%llu,"
           "\"ok\":%s}\n",
           path, count, clip.count, broken_pictures, faults, last_fault, wrong, short_runs,
           recovered, ok(good));
    run_close(&run);
    fv_buf_pool_destroy(pool);
    fv_bench_clip_free(&clip);
    free(compare.sums.hex);
}

static int usage(void)
{
    fprintf(stderr, "Usage: decode_check compare|hold [--cpu] [--map same|next] CLIP...\n"
                    "       decode_check changes|restarts|corrupt [--cpu] [--seed S] N CLIP...\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct run base = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 3)
        return usage();
    const char *what = argv[1];
    uint64_t seed = 20261126;
    int first = 2;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++)
        if (strcmp(argv[first], "--cpu") == 0)
            base.cpu = true;
        else if (strcmp(argv[first], "--seed") == 0 && first + 1 < argc)
            seed = strtoull(argv[++first], NULL, 10);
        else if (strcmp(argv[first], "--map") == 0 && first + 1 < argc)
            base.map = strcmp(argv[++first], "same") == 0 ? FV_NVDEC_MAP_SAME_PASS
                                                          : FV_NVDEC_MAP_NEXT_PASS;
    bool pictures = strcmp(what, "compare") == 0, hold = strcmp(what, "hold") == 0;
    for (int i = first; (pictures || hold) && i < argc; i++)
        compare_clip(argv[i], &base, hold ? KEEP : 0);
    if (pictures || hold)
        return failures ? 1 : 0;
    if (first + 1 >= argc)
        return usage();
    unsigned count = (unsigned)atoi(argv[first]);
    if (strcmp(what, "changes") == 0)
        changes(count, argv + first + 1, argc - first - 1, base.cpu);
    else if (strcmp(what, "restarts") == 0)
        restarts(count, argv[first + 1], base.cpu);
    else if (strcmp(what, "corrupt") == 0)
        corrupt(count, argv[first + 1], base.cpu, seed);
    else
        return usage();
    return failures ? 1 : 0;
}
