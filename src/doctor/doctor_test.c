// SPDX-License-Identifier: Apache-2.0
/* The doctor and the rules that need the machine, on whatever machine this is. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "conf/conf.h"
#include "doctor/doctor.h"

struct found {
    char list[8000];
    struct fv_str out;
    unsigned count, problems;
};

static char path[] = "/tmp/fovea-doctor-XXXXXX";

static void put(const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void on_finding(void *data, const struct fv_doctor_finding *finding)
{
    struct found *found = data;
    fv_str_addf(&found->out, "%d %s %s: %s\n", (int)finding->state, finding->id, finding->title,
                finding->found);
    found->count++;
    found->problems += finding->state == FV_DOCTOR_PROBLEM;
    assert_true(strlen(finding->found) > 0 && strlen(finding->why) > 5);
    assert_true(finding->state == FV_DOCTOR_OK ? !finding->cure[0] : strlen(finding->cure) > 5);
    assert_null(strstr(finding->found, "n0t-shown"));
}

static int examine(const char *config, const char *backend, struct found *found)
{
    *found = (struct found){0};
    fv_str_init(&found->out, found->list, sizeof(found->list));
    struct fv_doctor_params params = {
        .path = config, .backend = backend, .finding = on_finding, .data = found};
    int64_t start = fv_now();
    int r = fv_doctor(&params);
    assert_true(fv_now() - start < 60 * FV_S); /* nothing is waited for without end */
    assert_int_equal(r, found->problems);
    return r;
}

static void test_without_configuration(void **state)
{
    static const char *const ids[] = {
        " cpu ",       " memory ",         " kernel ",   " clock ",     " open_files ",
        " priority ",  " socket_buffers ", " io_uring ", " build ",     " gpu_driver ",
        " inference ", " model ",          " output ",   " container ", " locked_memory "};
    struct found found;
    assert_true(examine(NULL, "gpu", &found) > 0); /* no GPU here, or no TensorRT */
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_non_null(strstr(found.list, ids[i]));
    assert_non_null(strstr(found.list, "2 gpu GPU"));
    examine(NULL, "cpu", &found);
    assert_null(strstr(found.list, "2 gpu GPU"));
    assert_null(strstr(found.list, " configuration "));
}

static void test_bad_configuration(void **state)
{
    struct found found;
    put("{\"processing\": {\"BACKEND\": \"tpu\"}}");
    assert_true(examine(path, NULL, &found) > 0);
    assert_non_null(strstr(found.list, "2 configuration configuration: 2 errors; the first: "));
    put("{\"processing\": {\"BACKEND\": \"CPU\"}}"); /* no GPU is missed then, whatever is wrong */
    assert_true(examine(path, NULL, &found) > 0);
    assert_non_null(strstr(found.list, "2 configuration configuration: 1 error; the first: "));
    assert_non_null(strstr(found.list, "not needed by the CPU back end"));
    assert_true(examine("/nonexistent/x", NULL, &found) > 0);
    assert_non_null(strstr(found.list, "2 configuration configuration: /nonexistent/x"));
}

/* ---- cameras ---- */

struct peer {
    int fd;
    const char *answer; /* NULL: none */
};

static void *serve(void *data)
{
    struct peer *peer = data;
    char request[2000];
    int fd = accept(peer->fd, NULL, NULL);
    ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
    assert_true(n > 0);
    request[n] = '\0';
    assert_int_equal(strncmp(request, "OPTIONS rtsp://127.0.0.1:", 25), 0);
    assert_null(strstr(request, "n0t-shown"));
    if (peer->answer)
        assert_int_equal(send(fd, peer->answer, strlen(peer->answer), MSG_NOSIGNAL),
                         (ssize_t)strlen(peer->answer));
    else
        recv(fd, request, sizeof(request), 0); /* until the doctor gives up */
    close(fd);
    return NULL;
}

static int socket_on(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int listen_on(uint16_t *ret_port)
{
    int fd = socket_on(ret_port);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

static void test_cameras(void **state)
{
    static const struct {
        const char *answer, *expected;
    } cases[] = {
        {"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Te\x1bst\r\n\r\n",
         "answers RTSP/1.0 200 OK, Te st"},
        {"RTSP/1.0 401 Unauthorized\r\n\r\n", "answers RTSP/1.0 401 Unauthorized"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "answers, but not in RTSP"},
        {NULL, "did not answer in time"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct found found;
        struct peer peer = {.answer = cases[i].answer};
        uint16_t port;
        pthread_t thread;
        char text[500];
        peer.fd = listen_on(&port);
        snprintf(text, sizeof(text),
                 "{\"processing\": {\"BACKEND\": \"cpu\"}, \"cameras\": {\"RTSP_STREAMS\": [{"
                 "\"name\": \"gate\", \"url\": \"rtsp://u:n0t-shown@127.0.0.1:%u/x\"}, {\"name\": "
                 "\"off\", \"url\": \"rtsp://127.0.0.1:%u/y\", \"enabled\": false}]}}",
                 port, port);
        put(text);
        assert_int_equal(pthread_create(&thread, NULL, serve, &peer), 0);
        examine(path, NULL, &found);
        pthread_join(thread, NULL);
        close(peer.fd);
        if (!strstr(found.list, cases[i].expected))
            print_error("%s\n", found.list);
        assert_non_null(strstr(found.list, " camera gate: 127.0.0.1:"));
        assert_non_null(strstr(found.list, cases[i].expected));
        assert_null(strstr(found.list, " camera off"));
    }
}

static void test_unreachable(void **state)
{
    struct found found;
    uint16_t port;
    char text[500];
    int fd = socket_on(&port); /* bound, not listening: nobody else takes the port */
    snprintf(text, sizeof(text),
             "{\"processing\": {\"BACKEND\": \"cpu\"}, \"cameras\": {\"RTSP_STREAMS\": [{\"name\": "
             "\"gate\", \"url\": \"rtsp://127.0.0.1:%u/x\"}]}}",
             port);
    put(text);
    examine(path, NULL, &found);
    assert_non_null(strstr(found.list, "2 camera gate: 127.0.0.1:"));
    assert_non_null(strstr(found.list, "refused"));
    close(fd);
}

/* ---- rules ---- */

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct found *found = data;
    fv_str_addf(&found->out, "%c%s %s %u;", "EWIO"[problem->severity], problem -> code,
                problem -> key, problem -> line);
    assert_int_equal(problem->message[strlen(problem->message) - 1], '.');
    assert_true(strlen(problem->fix) > 5);
}

static int check(const char *text, const char *backend, struct found *found)
{
    *found = (struct found){0};
    fv_str_init(&found->out, found->list, sizeof(found->list));
    put(text);
    return fv_config_check_machine(
        &(struct fv_machine_params){
            .path = path, .backend = backend, .problem = on_problem, .data = found},
        NULL);
}

#define CAMERA "\"cameras\": {\"RTSP_STREAMS\": [{\"url\": \"rtsp://h\"}]}"

static void test_rules(void **state)
{
    struct found found;
    struct rlimit limit, low;
    char text[600];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 40;
    assert_int_equal(chmod(path, 0644), 0);
    snprintf(text, sizeof(text),
             "{\"processing\": {\n\"UNIFIED_PIPELINE_THREADS\": 256},\n\"models\": {\n"
             "\"MODEL_PATH\": \"/nonexistent/m.onnx\"},\n\"output\": {\n\"OUTPUT_DIR\": "
             "\"%s/out\", \"SAVE_DETECTIONS\": true},\n\"app\": {\n\"LOG_FILE\": "
             "\"%s/log\"},\n\"cameras\": {\n\"USERNAME\": "
             "\"u\", \"PASSWORD_FILE\": \"/proc/self/comm\",\n\"RTSP_STREAMS\": [{\"url\": "
             "\"rtsp://h\"}]}}",
             path, path);
    setrlimit(RLIMIT_NOFILE, &low);
    assert_int_equal(check(text, "cpu", &found), -EINVAL);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_non_null(strstr(found.list, "Wmachine_limit processing.UNIFIED_PIPELINE_THREADS 2;"));
    assert_non_null(strstr(found.list, "Emissing_file models.MODEL_PATH 4;"));
    assert_non_null(strstr(found.list, "Enot_writable output.OUTPUT_DIR 6;"));
    assert_non_null(strstr(found.list, "Enot_writable app.LOG_FILE 8;"));
    assert_non_null(strstr(found.list, "Wopen_secret cameras.PASSWORD_FILE 10;"));
    assert_non_null(strstr(found.list, "Wmachine_limit cameras.RTSP_STREAMS 11;"));
    assert_null(strstr(found.list, "gpu_missing"));
    assert_int_equal(check("{" CAMERA "}", NULL, &found), -EINVAL);
    assert_non_null(strstr(found.list, "Egpu_missing processing.BACKEND"));
}

/* A camera's own password file is looked at as well. */
static void test_open_secrets(void **state)
{
    struct found found;
    check("{\"cameras\": {\"RTSP_STREAMS\": [{\"url\": \"rtsp://h\"},\n{\"name\": \"b\", \"url\": "
          "\"rtsp://i\", \"USERNAME\": \"u\", \"PASSWORD_FILE\": \"/proc/self/comm\"}]}}",
          "cpu", &found);
    assert_non_null(strstr(found.list, "Wopen_secret cameras.RTSP_STREAMS[1].PASSWORD_FILE 2;"));
}

/* Without a file the GPU must have room for what a file that says nothing asks for. */
static void test_usual_pool(void **state)
{
    struct fv_config *config = NULL;
    struct fv_config_params params = {.text = "{" CAMERA "}"};
    assert_int_equal(fv_config_load(&params, &config, NULL), 0);
    assert_true(fv_doctor_gpu(config).pool_bytes > 0);
    assert_int_equal(fv_doctor_gpu(NULL).pool_bytes, fv_doctor_gpu(config).pool_bytes);
    fv_config_free(config);
}

/* With errors in the file the machine is not looked at: one thing after the other. */
static void test_file_first(void **state)
{
    struct found found;
    assert_int_equal(check("{\"app\": {\"X\": 1}, " CAMERA "}", NULL, &found), -EINVAL);
    assert_string_equal(found.list, "Eunknown_key app.X 1;");
    assert_int_equal(
        fv_config_check_machine(&(struct fv_machine_params){.path = "/nonexistent/x"}, NULL),
        -ENOENT);
}

static void test_system(void **state)
{
    char nearest[4096];
    assert_true(fv_system_cores() >= 1);
    assert_int_equal(fv_storage_writable("/tmp/fovea-none/a/b/", nearest), 0);
    assert_string_equal(nearest, "/tmp");
    assert_int_equal(fv_storage_writable("fovea-none", nearest), 0);
    assert_string_equal(nearest, ".");
    assert_int_equal(fv_storage_writable("/dev/null/x", nearest), -ENOTDIR);
    assert_true(fv_system_number("/nonexistent", 7) == 7);
    assert_int_equal(fv_system_files_needed(100), 464);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    return remove(path);
}

int main(void)
{
    unsetenv("DEBUG");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_configuration),
        cmocka_unit_test(test_bad_configuration),
        cmocka_unit_test(test_cameras),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_open_secrets),
        cmocka_unit_test(test_usual_pool),
        cmocka_unit_test(test_file_first),
        cmocka_unit_test(test_system),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
