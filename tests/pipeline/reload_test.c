// SPDX-License-Identifier: Apache-2.0
/*
 * A changed configuration while cameras play: what changes, what must not notice, what is refused as a whole.
 *
 *     reload-test [--gpu] CLIP      every camera plays the clip; exit code 77 without it
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/impl.h"
#include "fovea/engine.h"
#include "fovea/log.h"
#include "fovea/sim.h"
#include "check.h"
#include "mock_runtime.h"

#define PATIENCE 60 /* seconds for each thing that is awaited; valgrind is slow */

static bool on_gpu; /* a real one, or tests/fakegpu */

/* What came of a camera; by the last letter of its name. */
struct seen {
    unsigned frames, empty, states, starts, ends, stopped, reloaded;
    uint64_t track;
    uint32_t epoch;
};

static struct {
    pthread_mutex_t lock;
    struct seen cameras[26];
    unsigned problems, changes, restarts;
    char told[2000];
    char folder[64];
    const char *model, *second;
    uint16_t port;
} bed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct seen *seen_of(const char *name)
{
    return &bed.cameras[name[strlen(name) - 1] - 'a'];
}

static struct seen look(char camera)
{
    pthread_mutex_lock(&bed.lock);
    struct seen seen = bed.cameras[camera - 'a'];
    pthread_mutex_unlock(&bed.lock);
    return seen;
}

static void on_frame(void *data, const struct fv_frame_event *event)
{
    pthread_mutex_lock(&bed.lock);
    struct seen *seen = seen_of(event->camera_name);
    seen->frames++;
    seen->empty += event->detection_count == 0;
    seen->epoch = event->frame.epoch;
    if (event->detection_count)
        seen->track = event->detections[0].track;
    pthread_mutex_unlock(&bed.lock);
}

static void on_rule(void *data, const struct fv_rule_event *event)
{
    pthread_mutex_lock(&bed.lock);
    struct seen *seen = seen_of(event->camera_name);
    seen->starts += strcmp(event->phase, "start") == 0;
    if (event->cause) {
        seen->ends++;
        seen->stopped += strcmp(event->cause, "stopped") == 0;
        seen->reloaded += strcmp(event->cause, "reloaded") == 0;
    }
    pthread_mutex_unlock(&bed.lock);
}

static void on_camera(void *data, const struct fv_camera_event *event)
{
    pthread_mutex_lock(&bed.lock);
    seen_of(event->camera_name)->states++;
    pthread_mutex_unlock(&bed.lock);
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    bed.problems += problem->severity == FV_SEVERITY_ERROR;
}

static void on_change(void *data, const struct fv_reload_change *change)
{
    size_t used = strlen(bed.told);
    snprintf(bed.told + used, sizeof(bed.told) - used, "%s%s: %s\n",
             change->needs_restart ? "RESTART " : "", change->key, change->what);
    bed.changes += !change->needs_restart;
    bed.restarts += change->needs_restart;
}

/* --- configurations --- */

#define ZONE "{\"NAME\": \"here\", \"POINTS\": [[0, 0], [1, 0], [1, 1], [0, 1]], \"DWELL_S\": 0.5}"
#define LINE "{\"NAME\": \"gate\", \"POINTS\": [[0.1, 0.9], [0.9, 0.9]]}"

/* `cameras`: letters, each a camera of its own; upper case: with another window. */
static char *config(const char *cameras, const char *models, const char *zones, const char *lines)
{
    char streams[2000] = "";
    for (const char *c = cameras; *c; c++) {
        size_t used = strlen(streams);
        snprintf(streams + used, sizeof(streams) - used,
                 "%s{\"name\": \"camera %c\", \"url\": \"rtsp://127.0.0.1:%u/cam%d\"%s}",
                 c == cameras ? "" : ", ", *c | 0x20, bed.port, (*c | 0x20) - 'a',
                 *c & 0x20 ? "" : ", \"REORDER_MS\": 80");
    }
    return fv_asprintf("{\"processing\": {\"BACKEND\": \"%s\", \"GPU_BATCH_SIZE\": 2}, "
                       "\"tracking\": {\"TRACK_BUFFER\": 3000}, "
                       "\"models\": {\"MODEL_PATH\": \"%s\", \"INFERENCE_PROVIDER\": "
                       "\"%s\"%s}, \"classifier\": {\"MODEL_PATH\": \"%s\", \"INTERVAL_S\": 0.1}, "
                       "\"output\": {\"OUTPUT_DIR\": "
                       "\"%s\", \"SAVE_DETECTIONS\": true, \"SAVE_FRAMES\": true, "
                       "\"FRAME_SAVE_INTERVAL\": 5}, \"cameras\": {\"ZONES\": [%s], \"LINES\": "
                       "[%s], \"RTSP_STREAMS\": [%s]}}",
                       on_gpu ? "gpu" : "cpu", bed.model, on_gpu ? "cuda" : "cpu", models,
                       bed.second, bed.folder, zones, lines, streams);
}

static int reload(struct fv_engine *engine, char *text)
{
    struct fv_error err = {0};
    struct fv_reload_params params = {
        .config_text = text, .problem = on_problem, .change = on_change};
    bed.problems = bed.changes = bed.restarts = 0;
    bed.told[0] = 0;
    int r = fv_engine_reload(engine, &params, &err);
    if (r < 0)
        printf("# refused: %s\n", err.text);
    fv_free(text);
    return r;
}

static struct fv_engine *open_engine(char *text)
{
    struct fv_engine *engine = NULL;
    struct fv_error err = {0};
    struct fv_engine_params params = {
        .config_text = text, .frame = on_frame, .rule = on_rule, .camera = on_camera};
    memset(bed.cameras, 0, sizeof(bed.cameras));
    CHECK(fv_engine_open(&params, &engine, &err) == 0, "%s", err.text);
    fv_free(text);
    return engine;
}

/* --- waiting --- */

static bool has_frames(const struct seen *now, unsigned n)
{
    return now->frames >= n;
}

static bool has_empty(const struct seen *now, unsigned n)
{
    return now->empty >= n;
}

static bool has_epoch(const struct seen *now, unsigned n)
{
    return now->epoch >= n;
}

static bool has_starts(const struct seen *now, unsigned n)
{
    return now->starts >= n;
}

#define AWAIT(camera, holds, n)                                                                    \
    do {                                                                                           \
        bool there = false;                                                                        \
        for (int tick = 0; tick < PATIENCE * 100 && !there; tick++) {                              \
            struct seen now = look(camera);                                                        \
            there = holds(&now, n);                                                                \
            if (!there)                                                                            \
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);                          \
        }                                                                                          \
        CHECK(there, "camera %c never did it", camera);                                            \
    } while (0)

static void await_more(char camera, unsigned frames)
{
    unsigned before = look(camera).frames;
    AWAIT(camera, has_frames, before + frames);
}

static struct fv_engine_camera figures(struct fv_engine *engine, uint32_t index)
{
    struct fv_engine_camera camera = {.name = ""};
    CHECK(fv_engine_camera(engine, index, &camera) == 0, "there is no camera %u", index);
    return camera;
}

/* --- the tests, one after the other on one engine --- */

static void test_refused(struct fv_engine *engine)
{
    struct seen before = look('a');
    CHECK(reload(engine, config("aa", "", ZONE, "")) == -EINVAL, "a name twice was taken");
    CHECK(bed.problems == 1 && bed.changes == 0, "%u problems", bed.problems);
    CHECK(reload(engine, config("abx", ", \"TARGET_CLASSES\": [\"unicorn\"]", ZONE, "")) == -EINVAL,
          "an unknown class was taken");
    CHECK(reload(engine,
                 config("abx", "",
                        "{\"NAME\": \"n\", \"POINTS\": [[0, 0], [1, 0], [1, 1]], \"DWELL_S\": 1, "
                        "\"CLASSES\": [\"unicorn\"]}",
                        "")) == -EINVAL,
          "an unknown class in a zone was taken");
    await_more('a', 3);
    CHECK(look('a').states == before.states && look('a').ends == before.ends, "a noticed");
    CHECK(look('x').states == 0, "x was connected");
}

static void test_nothing_changes(struct fv_engine *engine)
{
    struct seen before = look('a');
    CHECK(reload(engine, config("ab", "", ZONE, "")) == 0, "the same was refused");
    CHECK(bed.changes == 0 && bed.restarts == 0, "%s", bed.told);
    await_more('a', 3);
    struct seen after = look('a');
    CHECK(after.states == before.states && after.ends == before.ends && after.track == 1,
          "a noticed");
}

static void count_area(void *data, const struct fv_overlay_area *area)
{
    ++*(unsigned *)data;
}

/* How many zones and lines the pictures of a camera show. */
static unsigned drawn(const struct fv_engine *engine, uint32_t index, const char *name)
{
    unsigned count = 0;
    fv_areas_visit(engine->drawn, index, name, count_area, &count);
    return count;
}

/* b goes, c comes, a gets a line and keeps its zone, its track and its connection. */
static void test_cameras(struct fv_engine *engine)
{
    struct seen before = look('a');
    CHECK(drawn(engine, 0, "camera a") == 1 && drawn(engine, 1, "camera b") == 1, "at the start");
    CHECK(reload(engine, config("ca", "", ZONE, LINE)) == 0, "refused");
    CHECK(drawn(engine, 0, "camera a") == 2 && drawn(engine, 2, "camera c") == 2 &&
              drawn(engine, 1, "camera b") == 0,
          "pictures show the old zones and lines");
    CHECK(strstr(bed.told, "camera 'camera c' is new") &&
              strstr(bed.told, "camera 'camera b' is gone") &&
              strstr(bed.told, "camera 'camera a' has other zones or lines") && bed.changes == 3 &&
              bed.restarts == 0,
          "%s", bed.told);
    unsigned left = look('b').frames;
    CHECK(look('b').stopped == 1, "b's stay did not end");
    await_more('a', 5);
    AWAIT('c', has_starts, 1);
    struct seen after = look('a');
    CHECK(after.states == before.states, "a lost its connection");
    CHECK(after.ends == before.ends && after.starts == before.starts, "a's stay was broken");
    CHECK(after.track == 1, "a has track %llu", (unsigned long long)after.track);
    CHECK(look('b').frames == left, "frames of b came after the reload");
    CHECK(figures(engine, 0).state == FV_CAMERA_PLAYING, "a does not play");
    struct fv_engine_camera gone = figures(engine, 1), fresh = figures(engine, 2);
    CHECK(gone.state == FV_CAMERA_DISABLED && gone.analysed > 0 && gone.tracks == 1 &&
              strcmp(gone.reason, "removed") == 0,
          "b: %s", gone.reason);
    CHECK(strcmp(fresh.name, "camera c") == 0 && fresh.analysed > 0, "c is %s", fresh.name);
}

/* The mock's person has a score of 0.81. */
static void test_thresholds(struct fv_engine *engine)
{
    unsigned empty = look('a').empty;
    CHECK(reload(engine, config("ca", ", \"MODEL_CONFIDENCE_THRESHOLD\": 0.9", ZONE, LINE)) == 0,
          "refused");
    CHECK(bed.changes == 1 && strstr(bed.told, "MODEL_CONFIDENCE_THRESHOLD: 0.25 -> 0.9"), "%s",
          bed.told);
    AWAIT('a', has_empty, empty + 3);
    CHECK(reload(engine, config("ca", ", \"TARGET_CLASSES\": [1]", ZONE, LINE)) == 0, "refused");
    empty = look('a').empty;
    AWAIT('a', has_empty, empty + 3);
    CHECK(reload(engine, config("ca", "", ZONE, LINE)) == 0, "refused");
    await_more('a', 2);
    empty = look('a').empty;
    await_more('a', 3);
    CHECK(look('a').empty == empty, "nothing is found any more");
}

/* The connection's settings changed: the same camera, a new connection. */
static void test_reconnects(struct fv_engine *engine)
{
    struct seen before = look('a'), other = look('c');
    uint64_t units = figures(engine, 0).access_units;
    CHECK(reload(engine, config("cA", "", ZONE, LINE)) == 0, "refused");
    CHECK(bed.changes == 1 && strstr(bed.told, "camera 'camera a' reconnects"), "%s", bed.told);
    AWAIT('a', has_epoch, before.epoch + 1);
    struct seen after = look('a');
    CHECK(after.states > before.states, "no new connection");
    CHECK(after.reloaded == before.reloaded, "the zone is the same");
    CHECK(look('c').states == other.states, "c lost its connection");
    CHECK(figures(engine, 0).access_units > units, "the figures began anew");
}

/* Deadlines interrupt nothing. */
static void test_deadlines(struct fv_engine *engine)
{
    struct seen before = look('a');
    char *text = config("cA", "", ZONE, LINE), *more = NULL, *at = strstr(text, "\"REORDER_MS\"");
    more = fv_asprintf("%.*s\"STALL_TIMEOUT_S\": 20, %s", (int)(at - text), text, at);
    fv_free(text);
    CHECK(reload(engine, more) == 0 && bed.changes == 1 &&
              strstr(bed.told, "camera 'camera a' has other deadlines or backoff"),
          "%s", bed.told);
    await_more('a', 3);
    CHECK(look('a').states == before.states, "a noticed");
    CHECK(reload(engine, config("cA", "", ZONE, LINE)) == 0, "refused");
}

static void test_needs_restart(struct fv_engine *engine)
{
    char *text = config("cA", ", \"WARM_UP_ITERATIONS\": 3", ZONE, LINE);
    char *again = fv_strdup(text);
    CHECK(reload(engine, text) == 0 && bed.restarts == 1 && bed.changes == 0 &&
              strstr(bed.told, "RESTART models.WARM_UP_ITERATIONS: 10 -> 3"),
          "%s", bed.told);
    CHECK(reload(engine, again) == 0 && bed.restarts == 1, "%s", bed.told);
}

/* Each allocation in turn fails: refused, and everything goes on; the last one succeeds. */
static void test_no_memory(struct fv_engine *engine)
{
    unsigned n, refused = 0;
    bool taken = false; /* a failure hit another thread, which counts a loss: d was there before */
    for (n = 1; n < 2000; n += 1 + n / 8) {
        struct seen before = look('a');
        char *text = config("Ad", ", \"MODEL_IOU_THRESHOLD\": 0.5", ZONE, "");
        fv_alloc_fail_at(n);
        int r = reload(engine, text);
        bool pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        CHECK(r == 0 || r == -ENOMEM, "%d", r);
        refused += r < 0;
        if (r < 0)
            CHECK(look('a').reloaded == before.reloaded && (taken || look('d').states == 0),
                  "half of it");
        if (r == 0 && pending)
            break;
        if (r == 0)
            CHECK(reload(engine, config("cA", "", ZONE, LINE)) == 0, "no way back");
        taken |= r == 0;
    }
    CHECK(refused >= 5 && n < 2000, "%u refused, %u allocations", refused, n);
    await_more('a', 3);
    AWAIT('d', has_frames, 3);
}

/* Many times: indexes are used again, names follow. */
static void test_again_and_again(struct fv_engine *engine)
{
    for (int i = 0; i < 80; i++)
        CHECK(reload(engine, config(i % 2 ? "Ae" : "Af", "", ZONE, "")) == 0, "round %d", i);
    AWAIT('e', has_frames, 3);
    struct fv_engine_stats stats;
    fv_engine_stats(engine, &stats);
    CHECK(stats.camera_count <= 66, "%u indexes", stats.camera_count);
    unsigned playing = 0;
    for (uint32_t i = 0; i < stats.camera_count; i++)
        playing += figures(engine, i).state != FV_CAMERA_DISABLED;
    CHECK(playing == 2, "%u cameras", playing);
}

static void test_running(void)
{
    struct fv_error err = {0};
    struct fv_engine *engine = open_engine(config("ab", "", ZONE, ""));
    if (!engine)
        return;
    CHECK(fv_engine_start(engine, &err) == 0, "%s", err.text);
    AWAIT('a', has_starts, 1);
    AWAIT('b', has_starts, 1);
    test_refused(engine);
    test_nothing_changes(engine);
    test_cameras(engine);
    test_thresholds(engine);
    test_reconnects(engine);
    test_deadlines(engine);
    test_needs_restart(engine);
    test_no_memory(engine);
    test_again_and_again(engine);
    fv_engine_stop(engine);
    CHECK(reload(engine, config("a", "", "", "")) == -EPROTO, "after the stop");
    fv_engine_close(engine);
}

/* Each allocation on the way to an engine fails in turn, those for the second model too: nothing is left of it. */
static void test_open_without_memory(void)
{
    unsigned n = 1, refused = 0;
    for (bool pending = false; !pending && n < 2000; n += 1 + n / 16) {
        struct fv_engine *engine = NULL;
        struct fv_error err = {0};
        char *text = config("ab", "", ZONE, LINE);
        struct fv_engine_params params = {.config_text = text};
        fv_alloc_fail_at(n);
        int r = fv_engine_open(&params, &engine, &err);
        pending = fv_alloc_fail_pending();
        fv_alloc_fail_at(0);
        fv_free(text);
        CHECK(r == 0 || (r == -ENOMEM && err.text[0]), "%d: %s", r, err.text);
        CHECK(r < 0 || pending, "allocation %u was missed by nobody", n);
        refused += r < 0;
        fv_engine_close(engine);
    }
    CHECK(refused >= 20 && n < 2000, "%u refused, %u allocations", refused, n);
}

static void test_before_start(void)
{
    struct fv_error err = {0};
    struct fv_engine *engine = open_engine(config("a", "", "", ""));
    if (!engine)
        return;
    struct fv_reload_params none = {0};
    CHECK(fv_engine_reload(engine, &none, &err) == -EINVAL, "there is no file");
    CHECK(reload(engine, config("g", "", ZONE, "")) == 0, "refused");
    CHECK(fv_engine_start(engine, &err) == 0, "%s", err.text);
    AWAIT('g', has_starts, 1);
    CHECK(look('a').frames == 0, "a was to be gone");
    fv_engine_close(engine);
}

static void *serve(void *data)
{
    fv_sim_run(data);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--gpu") == 0) {
        on_gpu = true;
        argv++;
        argc--;
    }
    if (argc != 2 || access(argv[1], R_OK) != 0) {
        printf("skipped: usage: reload-test [--gpu] CLIP\n");
        return 77;
    }
    struct fv_error err = {0};
    struct fv_sim *sim = NULL;
    const char *inputs[] = {argv[1]};
    struct fv_sim_params params = {.listen = "127.0.0.1:0",
                                   .inputs = inputs,
                                   .input_count = 1,
                                   .cameras = 26,
                                   .fps = 20,
                                   .seed = 1};
    strcpy(bed.folder, "/tmp/fovea-reload-XXXXXX");
    mock_runtime_install(0);
    mock_gpu_runtime_install();
    if (!mkdtemp(bed.folder) || fv_sim_open(&params, &sim, &err) < 0) {
        printf("not ok: %s\n", err.text);
        return 1;
    }
    bed.model = mock_model_write(bed.folder);
    bed.second = mock_classifier_write(bed.folder);
    bed.port = fv_sim_port(sim);
    pthread_t thread;
    pthread_create(&thread, NULL, serve, sim);
    if (!on_gpu)
        test_open_without_memory();
    test_running();
    test_before_start();
    fv_sim_stop(sim);
    pthread_join(thread, NULL);
    fv_sim_close(sim);
    char remove[100];
    snprintf(remove, sizeof(remove), "rm -rf %s", bed.folder);
    if (system(remove) != 0)
        printf("%s stays behind\n", bed.folder);
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
