// SPDX-License-Identifier: Apache-2.0
/*
 * The whole way in one process: simulator -> RTSP -> decoder -> mock runtime -> boxes -> events. Under the sanitizers and valgrind.
 *
 *     pipeline-test [--gpu] PICTURES CLIP...    each clip is one camera; ends when each has been analysed that often; exit code 77 without a clip
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "engine/build_config.h"
#include "fovea/engine.h"
#include "fovea/reader.h"
#include "fovea/sim.h"
#include "check.h"
#include "mock_runtime.h"

static bool on_gpu; /* a real one, or tests/fakegpu */

struct seen {
    atomic_uint frames, wrong, states, pictures, untracked, dwells, rules, grown;
};

static void on_frame(void *data, const struct fv_frame_event *event)
{
    struct seen *seen = data;
    seen->frames++;
    /* The mock's box is 16 x 16 around (24, 24) of 64 x 64, so 1/4 of the picture's longer side. */
    float side = (float)(event->frame.width > event->frame.height ? event->frame.width
                                                                  : event->frame.height);
    bool right = event->detection_count == 1 && event->detections[0].class_id == 0 &&
                 event->detections[0].x0 > side * 0.24f && event->detections[0].x0 < side * 0.26f &&
                 event->detections[0].score > 0.80f && event->detections[0].score < 0.82f &&
                 event->frame.at.event >= event->frame.at.inferred &&
                 event->frame.at.inferred >= event->frame.at.decoded &&
                 event->frame.at.decoded >= event->frame.at.last_packet &&
                 event->frame.at.last_packet >= event->frame.at.first_packet;
    right = right && event->classifier && strcmp(event->classifier, "mocked") == 0 &&
            event->attributes;
    if (right && event->attributes[0].label) {
        right = strcmp(event->attributes[0].label, "grown") == 0 &&
                event->attributes[0].score > 0.89f && event->attributes[0].score < 0.91f;
        seen->grown++;
    }
    if (!right)
        seen->wrong++;
    /* One person, who stands still: one track for the whole run. */
    if (right && event->detections[0].track == 0)
        seen->untracked++;
    else if (right && event->detections[0].track != 1)
        seen->wrong++;
}

static void on_rule(void *data, const struct fv_rule_event *event)
{
    struct seen *seen = data;
    seen->rules++;
    bool right = strcmp(event->rule, "here") == 0 && strcmp(event->type, "zone.dwell") == 0 &&
                 strcmp(event->label, "person") == 0 && event->track == 1 &&
                 event->duration >= 500000000;
    if (right && strcmp(event->phase, "start") == 0)
        seen->dwells++;
    else if (!right || !event->cause || strcmp(event->cause, "stopped") != 0)
        seen->wrong++;
}

static void on_camera(void *data, const struct fv_camera_event *event)
{
    struct seen *seen = data;
    seen->states++;
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    if (problem->severity == FV_SEVERITY_ERROR)
        printf("problem: %s: %s\n", problem->key, problem->message);
}

static void *serve(void *data)
{
    fv_sim_run(data);
    return NULL;
}

static char *make_config(const char *folder, uint16_t port, unsigned cameras)
{
    json_t *streams = json_array();
    for (unsigned i = 0; i < cameras; i++) {
        char url[100], name[20];
        snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam%u", port, i);
        snprintf(name, sizeof(name), "camera %u", i);
        json_array_append_new(streams, json_pack("{s:s, s:s}", "name", name, "url", url));
    }
    json_t *zone = json_pack("{s:s, s:[[f,f],[f,f],[f,f],[f,f]], s:f}", "NAME", "here", "POINTS",
                             0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, "DWELL_S", 0.5);
    json_t *config = json_pack(
        "{s:{s:s, s:i}, s:{s:i}, s:{s:s, s:s, s:i}, s:{s:o, s:[o]}, s:{s:s, s:b, s:b, s:i}}",
        "processing", "BACKEND", on_gpu ? "gpu" : "cpu", "GPU_BATCH_SIZE", 2, "tracking",
        "TRACK_BUFFER", 3000 /* a slow machine leaves out seconds to catch up */, "models",
        "MODEL_PATH", mock_model_write(folder), "INFERENCE_PROVIDER", on_gpu ? "cuda" : "cpu",
        "WARM_UP_ITERATIONS", 2, "cameras", "RTSP_STREAMS", streams, "ZONES", zone, "output",
        "OUTPUT_DIR", folder, "SAVE_DETECTIONS", 1, "SAVE_FRAMES", 1, "FRAME_SAVE_INTERVAL", 5);
    json_object_set_new(config, "classifier",
                        json_pack("{s:s, s:[s], s:f}", "MODEL_PATH", mock_classifier_write(folder),
                                  "CLASSES", "person", "INTERVAL_S", 0.3));
    char *text = config ? json_dumps(config, 0) : NULL;
    json_decref(config);
    return text;
}

/* The newest label of the only detection. */
static bool is_grown(const json_t *event)
{
    const json_t *detection = json_array_get(json_object_get(event, "detections"), 0);
    const json_t *attribute = json_array_get(json_object_get(detection, "attributes"), 0);
    const char *name = json_string_value(json_object_get(attribute, "classifier"));
    const char *label = json_string_value(json_object_get(attribute, "label"));
    return name && label && strcmp(name, "mocked") == 0 && strcmp(label, "grown") == 0;
}

static unsigned count_lines(const char *folder, unsigned *ret_grown)
{
    *ret_grown = 0;
    char path[300];
    snprintf(path, sizeof(path), "%s/events.jsonl", folder);
    FILE *file = fopen(path, "r");
    unsigned lines = 0;
    char line[4096];
    while (file && fgets(line, sizeof(line), file)) {
        json_t *value = json_loads(line, 0, NULL);
        if (json_is_string(json_object_get(value, "camera")))
            lines++;
        *ret_grown += is_grown(value);
        json_decref(value);
    }
    if (file)
        fclose(file);
    return lines;
}

static void sleep_s(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

#define PATIENCE 100 /* seconds for all pictures; valgrind is slow */

static void wait_for_pictures(struct fv_engine *engine, unsigned cameras, uint64_t pictures)
{
    unsigned ready = 0;
    for (int i = 0; i < PATIENCE * 10 && ready < cameras; i++) {
        sleep_s(0.1);
        ready = 0;
        for (unsigned n = 0; n < cameras; n++) {
            struct fv_engine_camera camera;
            if (fv_engine_camera(engine, n, &camera) == 0 && camera.analysed >= pictures)
                ready++;
        }
    }
}

/* A simulated camera gives packets up, as real ones do, when its client is too slow to read them (under valgrind). */
static bool may_lose(const struct fv_sim *sim)
{
    struct fv_sim_stats stats;
    fv_sim_stats(sim, &stats);
    return stats.stalled > 0;
}

static void check_cameras(struct fv_engine *engine, const struct fv_sim *sim, unsigned cameras,
                          uint64_t pictures)
{
    for (unsigned i = 0; i < cameras; i++) {
        struct fv_engine_camera camera;
        CHECK(fv_engine_camera(engine, i, &camera) == 0, "camera %u", i);
        printf("%s %s: %s, %llu decoded, %llu analysed, p50 %.1f ms\n", camera.name, camera.codec,
               fv_camera_state_name(camera.state), (unsigned long long)camera.frames,
               (unsigned long long)camera.analysed, (double)camera.age_p50 / 1e6);
        CHECK(camera.state == FV_CAMERA_PLAYING, "%s: %s", camera.name, camera.reason);
        CHECK(camera.analysed >= pictures, "%s: only %llu pictures", camera.name,
              (unsigned long long)camera.analysed);
        CHECK(camera.persons == camera.analysed, "%s: %llu persons", camera.name,
              (unsigned long long)camera.persons);
        CHECK(camera.tracks == 1, "%s: %llu tracks", camera.name,
              (unsigned long long)camera.tracks);
        CHECK(camera.lost_packets == 0 || may_lose(sim), "%s: %llu lost", camera.name,
              (unsigned long long)camera.lost_packets);
    }
    struct fv_engine_camera none;
    CHECK(fv_engine_camera(engine, cameras, &none) < 0, "a camera too many");
}

static uint64_t snapshot_bytes(struct fv_engine *engine)
{
    struct fv_engine_gpu gpu;
    uint64_t bytes = 0;
    for (uint32_t i = 0; fv_engine_gpu(engine, &gpu) == 0 && i < gpu.traffic_count; i++)
        if (strcmp(gpu.traffic[i].purpose, "snapshot") == 0)
            bytes = gpu.traffic[i].to_host;
    return bytes;
}

/* While the cameras play, one picture of each. */
static void check_jpegs(struct fv_engine *engine, unsigned cameras)
{
    struct fv_engine_jpeg jpeg = {0};
    struct fv_error err = {0};
    for (unsigned i = 0; i < cameras; i++) {
        const int code = fv_engine_jpeg(engine, i, 85, &jpeg, &err);
        if (!FV_HAVE_JPEG) {
            CHECK(code == -ENOTSUP, "%d", code);
            continue;
        }
        CHECK(code == 0, "%s", err.text);
        CHECK(jpeg.size > 1000 && jpeg.data[0] == 0xFF && jpeg.data[1] == 0xD8, "%zu bytes",
              jpeg.size);
        CHECK(jpeg.frame.camera == i && jpeg.frame.width > 0, "camera %u", jpeg.frame.camera);
        CHECK(!on_gpu || snapshot_bytes(engine) >= jpeg.size, "%llu bytes accounted",
              (unsigned long long)snapshot_bytes(engine));
        fv_engine_jpeg_free(&jpeg);
    }
    CHECK(fv_engine_jpeg(engine, cameras, 85, &jpeg, &err) == -EINVAL, "a camera too many");
    CHECK(fv_engine_jpeg(engine, 0, 0, &jpeg, &err) == -EINVAL, "quality 0");
}

static void check_lines(const char *folder, const struct seen *seen)
{
    unsigned grown, lines = count_lines(folder, &grown), frames = seen->frames;
    CHECK(lines == frames + seen->rules, "%u lines for %u frames, %u rules", lines, frames,
          seen->rules);
    /* All but those of before the first answer. */
    CHECK(grown == seen->grown, "%u labels told, %u written", seen->grown, grown);
    CHECK(grown > frames / 2 && grown < frames, "%u of %u frames have their label", grown, frames);
}

static void check_classifier(const struct fv_engine_stats *stats, unsigned cameras)
{
    printf("%s: %llu classified, %llu skipped\n", stats->classifier,
           (unsigned long long)stats->classified, (unsigned long long)stats->classify_skipped);
    CHECK(stats->classifier && strcmp(stats->classifier, "mocked") == 0, "%s", stats->classifier);
    CHECK(stats->classified >= 3 * (uint64_t)cameras, "%llu classified",
          (unsigned long long)stats->classified);
    CHECK(stats->classify_lost == 0, "%llu lost", (unsigned long long)stats->classify_lost);
}

static void test_engine(const char *folder, const struct fv_sim *sim, unsigned cameras,
                        uint64_t pictures)
{
    struct seen seen = {0};
    struct fv_error err = {0};
    struct fv_engine *engine = NULL;
    char *config = make_config(folder, fv_sim_port(sim), cameras);
    struct fv_engine_params params = {
        .config_text = config,
        .problem = on_problem,
        .frame = on_frame,
        .rule = on_rule,
        .camera = on_camera,
        .data = &seen,
    };
    int r = fv_engine_open(&params, &engine, &err);
    CHECK(r == 0, "%s", err.text);
    if (r == 0) {
        CHECK(fv_engine_start(engine, &err) == 0, "%s", err.text);
        check_jpegs(engine, cameras);
        wait_for_pictures(engine, cameras, pictures);
        check_cameras(engine, sim, cameras, pictures);
        fv_engine_stop(engine);
        struct fv_engine_jpeg none;
        CHECK(fv_engine_jpeg(engine, 0, 85, &none, &err) == -ECANCELED, "after the end");
        struct fv_engine_stats stats;
        fv_engine_stats(engine, &stats);
        CHECK(seen.frames > 0 && seen.wrong == 0, "%u of %u frames wrong", seen.wrong, seen.frames);
        CHECK(seen.untracked <= cameras, "%u frames without a track", seen.untracked);
        CHECK(seen.dwells == cameras && seen.rules == 2 * cameras, "%u of %u events are dwells",
              seen.dwells, seen.rules);
        CHECK(seen.states >= cameras * 2, "%u state changes", seen.states);
        CHECK(stats.events_dropped == 0, "%llu events dropped",
              (unsigned long long)stats.events_dropped);
        check_lines(folder, &seen);
        check_classifier(&stats, cameras);
        fv_engine_stop(engine);
    }
    fv_engine_close(engine);
    free(config);
}

static void on_picture(void *data, const struct fv_reader_picture *picture)
{
    struct seen *seen = data;
    if (picture->frame.width == 0 || !picture->plane[0])
        seen->wrong++;
    seen->pictures++;
}

static void test_reader(uint16_t port)
{
    struct seen seen = {0};
    struct fv_error err = {0};
    struct fv_reader *reader = NULL;
    char url[100];
    snprintf(url, sizeof(url), "rtsp://127.0.0.1:%u/cam0", port);
    struct fv_reader_params params = {
        .url = url, .backend = "cpu", .picture = on_picture, .state = on_camera, .data = &seen};
    CHECK(fv_reader_open(&params, &reader, &err) == 0, "%s", err.text);
    if (!reader)
        return;
    CHECK(fv_reader_start(reader, &err) == 0, "%s", err.text);
    for (int i = 0; i < 200 && seen.pictures < 5; i++)
        sleep_s(0.1);
    fv_reader_stop(reader);
    CHECK(seen.pictures >= 5 && seen.wrong == 0, "%u pictures, %u wrong", seen.pictures,
          seen.wrong);
    fv_reader_close(reader);
    params.url = "http://nowhere";
    CHECK(fv_reader_open(&params, &reader, &err) < 0, "a wrong url was taken");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--gpu") == 0) {
        on_gpu = true;
        argv++;
        argc--;
    }
    if (argc < 3 || access(argv[2], R_OK) != 0) {
        printf("skipped: usage: pipeline-test [--gpu] PICTURES CLIP...\n");
        return 77;
    }
    char folder[] = "/tmp/fovea-pipeline-XXXXXX", remove[100];
    struct fv_error err = {0};
    struct fv_sim *sim = NULL;
    unsigned cameras = (unsigned)argc - 2;
    struct fv_sim_params params = {
        .listen = "127.0.0.1:0",
        .inputs = (const char *const *)argv + 2,
        .input_count = cameras,
        .cameras = cameras,
        .fps = 10,
        .seed = 1,
    };
    mock_runtime_install(0);
    mock_gpu_runtime_install();
    if (!mkdtemp(folder) || fv_sim_open(&params, &sim, &err) < 0) {
        printf("not ok: %s\n", err.text);
        return 1;
    }
    pthread_t thread;
    pthread_create(&thread, NULL, serve, sim);
    test_engine(folder, sim, cameras, (uint64_t)atoi(argv[1]));
    if (!on_gpu)
        test_reader(fv_sim_port(sim));
    fv_sim_stop(sim);
    pthread_join(thread, NULL);
    fv_sim_close(sim);
    snprintf(remove, sizeof(remove), "rm -rf %s", folder);
    if (system(remove) != 0)
        printf("%s stays behind\n", folder);
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures ? 1 : 0;
}
