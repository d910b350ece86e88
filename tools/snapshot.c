// SPDX-License-Identifier: Apache-2.0
/* `fovea snapshot`: one picture of a camera as a JPEG file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fovea/reader.h"
#include "guard.h"
#include "problems.h"
#include "receive.h"
#include "tool.h"

#define NAME "snapshot"
#define ON_THE_WAY 1000 /* ms */

struct options {
    struct fv_reader_params reader;
    const char *out;
    double quality, timeout; /* timeout: seconds */
    bool json, help;
};

struct snapshot {
    const struct options *options;
    struct fv_problems problems;
    int news; /* eventfd: a frame is there, or it makes no sense to wait */
    pthread_mutex_t lock;
    /* under `lock` */
    struct fv_reader_frame *frame;
    bool taken; /* there was one */
    bool final; /* `reason` will not change by waiting */
    int code;   /* of the last failure, and what it was */
    char reason[300];
    char step[300]; /* how far it came */
};

static const char help[] =
    "fovea snapshot - one picture of a camera as a JPEG file\n\n"
    "Usage: fovea snapshot [OPTIONS] -o FILE URL|VIDEO\n"
    "       fovea snapshot [OPTIONS] -o FILE -c CONFIG [CAMERA]\n\n"
    "CAMERA is a name in the configuration; default: the first camera that is enabled. VIDEO is a\n"
    "file: a raw stream or a container (mp4, mkv, avi, ts).\n"
    "On the GPU the JPEG is made there, by nvJPEG (pip install nvidia-nvjpeg), and nothing else\n"
    "comes to the host.\n\n"
    "  -o, --out FILE      the picture; replaced when it is complete; -: standard output\n"
    "  -c, --config FILE   address, login, transport and deadlines of the camera come from here\n"
    "      --backend NAME  gpu or cpu (default: the configuration's, else gpu)\n"
    "      --quality N     1 to 100 (default 90)\n"
    "      --timeout S     give up after S seconds (default 30)\n"
    "      --json          what was written, as JSON\n"
    "  -h, --help          this text\n\n"
    "Examples:\n"
    "  fovea snapshot -o gate.jpg -c cameras.json gate\n"
    "  fovea snapshot --backend cpu -o now.jpg rtsp://admin:secret@10.0.0.20/stream1\n\n"
    "Exit codes: 0 written, 1 no picture came in time or it could not be written, 2 wrong usage "
    "or\n"
    "            an unreadable file, 3 no usable GPU in GPU-only mode, 4 the GPU was lost\n";

/* --- Options --- */

enum { OPT_BACKEND = 256, OPT_QUALITY, OPT_TIMEOUT, OPT_JSON };

static bool to_stdout(const struct options *o)
{
    return strcmp(o->out, "-") == 0;
}

static int set_option(struct options *o, int option)
{
    bool good = true;
    switch (option) {
    case 'o':
        o->out = optarg;
        break;
    case 'c':
        o->reader.config_path = optarg;
        break;
    case OPT_BACKEND:
        o->reader.backend = optarg;
        good = fv_tool_backend(NAME, optarg);
        break;
    case OPT_QUALITY:
        good = fv_tool_whole(NAME, "--quality", optarg, 1, 100, &o->quality);
        break;
    case OPT_TIMEOUT:
        good = fv_tool_number(NAME, "--timeout", optarg, 0.1, 86400, &o->timeout);
        break;
    case OPT_JSON:
        o->json = true;
        break;
    default:
        o->help = true;
    }
    return good ? FV_EXIT_OK : FV_EXIT_USAGE;
}

/* Also one that is mistyped: it is not taken for a file, whose name is told with the password in it. */
static bool is_address(const char *text)
{
    return strstr(text, "://") || strncasecmp(text, "rtsp:", 5) == 0 ||
           strncasecmp(text, "rtsps:", 6) == 0;
}

/* What stands behind the options: a camera of the configuration, an address, or a file. */
static int set_source(struct options *o, int argc, char **argv)
{
    if (optind + 1 < argc)
        return fv_tool_usage(NAME, "one camera at a time");
    if (!o->out || !o->out[0])
        return fv_tool_usage(NAME, "the file is needed: -o FILE");
    if (to_stdout(o) && (o->json || isatty(STDOUT_FILENO)))
        return fv_tool_usage(NAME, o->json ? "--json and -o - cannot share standard output"
                                           : "-o - is for a pipe or a file, not for a terminal");
    if (o->reader.config_path) {
        if (optind < argc && is_address(argv[optind])) /* it may hold a password: not repeated */
            return fv_tool_usage(NAME, "with -c the camera is a name, not an address");
        o->reader.camera = argv[optind];
        return FV_EXIT_OK;
    }
    if (optind == argc)
        return fv_tool_usage(NAME, "the address of a camera or a file is needed, or -c CONFIG");
    struct fv_receiver_url url;
    struct fv_error err;
    if (is_address(argv[optind]) && fv_receiver_parse_url(argv[optind], &url, &err) < 0)
        return fv_tool_usage(NAME, "%s", err.text);
    o->reader.url = argv[optind];
    if (!o->reader.backend)
        o->reader.backend = "gpu";
    return FV_EXIT_OK;
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option names[] = {
        {"out", required_argument, NULL, 'o'},
        {"config", required_argument, NULL, 'c'},
        {"backend", required_argument, NULL, OPT_BACKEND},
        {"quality", required_argument, NULL, OPT_QUALITY},
        {"timeout", required_argument, NULL, OPT_TIMEOUT},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "o:c:h", names, NULL)) != -1) {
        const int code = option == '?' ? fv_tool_bad_option(NAME, argv) : set_option(o, option);
        if (code != FV_EXIT_OK || o->help)
            return code;
    }
    return set_source(o, argc, argv);
}

/* --- On the reader's threads --- */

/* The first picture that is whole. */
static void on_frame(void *data, struct fv_reader_frame *frame)
{
    struct snapshot *s = data;
    const uint32_t flags = fv_reader_frame_picture(frame)->frame.flags;
    pthread_mutex_lock(&s->lock);
    const bool wanted = !s->taken && !(flags & (FV_FRAME_DAMAGED | FV_FRAME_PARTIAL));
    if (wanted) {
        s->frame = frame;
        s->taken = true;
    }
    pthread_mutex_unlock(&s->lock);
    if (wanted)
        eventfd_write(s->news, 1);
    else
        fv_reader_frame_release(frame);
}

static void note_step(struct snapshot *s, const struct fv_camera_event *event)
{
    pthread_mutex_lock(&s->lock);
    snprintf(s->step, sizeof(s->step), "%s", event->reason ? event->reason : "");
    pthread_mutex_unlock(&s->lock);
}

static void on_state(void *data, const struct fv_camera_event *event)
{
    struct snapshot *s = data;
    const bool ended = event->to == FV_CAMERA_DISABLED; /* a file */
    if (event->code >= 0 && !ended) {
        note_step(s, event);
        return;
    }
    /* A refused login stays refused, and what cannot be received or decoded here as well; all else may pass. */
    const bool final =
        ended || event->code == -EACCES || event->code == -ENODEV || event->code == -ENOTSUP;
    pthread_mutex_lock(&s->lock);
    if (event->code < 0 ||
        !s->reason[0]) { /* that a file has ended explains less than why it could not be decoded */
        s->code = event->code;
        snprintf(s->reason, sizeof(s->reason), "%s", event->reason ? event->reason : "");
    }
    s->final |= final;
    pthread_mutex_unlock(&s->lock);
    if (final)
        eventfd_write(s->news, 1);
}

static void on_problem(void *data, const struct fv_problem *problem)
{
    struct snapshot *s = data;
    if (problem->severity == FV_SEVERITY_ERROR)
        fv_problems_print(&s->problems, problem);
}

/* --- Waiting and writing --- */

/* Under the lock. */
static void tell_failure(const struct snapshot *s, bool interrupted)
{
    if (interrupted)
        fprintf(stderr, "fovea " NAME ": interrupted\n");
    else if (s->final)
        fprintf(stderr, "fovea " NAME ": no picture came: %s\n", s->reason);
    else if (s->reason[0] || !s->step[0])
        fprintf(stderr, "fovea " NAME ": no picture came within %g s%s%s\n", s->options->timeout,
                s->reason[0] ? ": " : "", s->reason);
    else
        fprintf(stderr, "fovea " NAME ": no picture came within %g s; the last step: %s\n",
                s->options->timeout, s->step);
}

/* The frame, or NULL: a failure was told. */
static struct fv_reader_frame *wait_for_frame(struct snapshot *s, int signals)
{
    struct pollfd fds[] = {{.fd = s->news, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    const int came = poll(fds, 2, (int)(s->options->timeout * 1000));
    const bool interrupted = came > 0 && !fds[0].revents;
    eventfd_t news;
    pthread_mutex_lock(&s->lock);
    if (s->final && !s->frame && eventfd_read(s->news, &news) == 0) {
        pthread_mutex_unlock(&s->lock);
        poll(fds, 2, ON_THE_WAY); /* a file's last picture may come after its end was told */
        pthread_mutex_lock(&s->lock);
    }
    struct fv_reader_frame *frame = s->frame;
    s->taken = true; /* nothing is wanted any more */
    if (!frame)
        tell_failure(s, interrupted);
    pthread_mutex_unlock(&s->lock);
    return frame;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

/* Known before the camera is asked: what cannot be replaced, and a folder that is not there. */
static int check_out(const char *path)
{
    char folder[PATH_MAX];
    if (!fv_tool_replaceable(path))
        return -EINVAL;
    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return -ENAMETOOLONG;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    return access(slash ? folder : ".", W_OK | X_OK) < 0 ? -errno : 0;
}

/* The file is the old one or the new one, never a part. */
static int replace(const char *path, const uint8_t *data, size_t size)
{
    char temporary[PATH_MAX];
    int r = check_out(path);
    if (r < 0)
        return r;
    if (snprintf(temporary, sizeof(temporary), "%s.%d.tmp", path, (int)getpid()) >=
        (int)sizeof(temporary))
        return -ENAMETOOLONG;
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    r = write_all(fd, data, size);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    return r;
}

static int refuse_out(const struct options *o, int error)
{
    fprintf(stderr, "fovea " NAME ": %s cannot be written: %s\n",
            to_stdout(o) ? "standard output" : FV_SHOWN(o->out),
            error == -EINVAL ? "it is no regular file" : fv_strerror(error));
    return FV_EXIT_FAILED;
}

static void report(const struct options *o, const struct fv_reader_picture *picture, size_t size,
                   double seconds)
{
    const struct fv_frame_info *info = &picture->frame;
    const char *backend = picture->on_device ? "gpu" : "cpu";
    if (!o->json) {
        fprintf(to_stdout(o) ? stderr : stdout,
                "%s: %u x %u, %zu bytes, quality %d, on %s, after %.1f s\n", FV_SHOWN(o->out),
                info->width, info->height, size, (int)o->quality, backend, seconds);
        return;
    }
    json_t *made = json_pack(
        "{s:o, s:i, s:i, s:I, s:i, s:s, s:f, s:o}", "file", fv_tool_json_text(FV_SHOWN(o->out)),
        "width", (int)info->width, "height", (int)info->height, "bytes", (json_int_t)size,
        "quality", (int)o->quality, "backend", backend, "seconds", seconds, "wall_ns",
        info->wall == FV_TIME_UNKNOWN ? json_null() : json_integer((json_int_t)info->wall));
    json_dumpf(made, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(made);
}

static int write_frame(const struct options *o, struct fv_reader_frame *frame, double seconds)
{
    struct fv_error err = {0};
    uint8_t *data;
    size_t size;
    int r = fv_reader_frame_jpeg(frame, (unsigned)o->quality, &data, &size, &err);
    if (r < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", err.text);
        return r == -ENODEV ? FV_EXIT_LOST : FV_EXIT_FAILED;
    }
    r = to_stdout(o) ? write_all(STDOUT_FILENO, data, size) : replace(o->out, data, size);
    fv_reader_jpeg_free(data);
    if (r < 0)
        return refuse_out(o, r);
    report(o, fv_reader_frame_picture(frame), size, seconds);
    return FV_EXIT_OK;
}

/* --- The run --- */

static int take(struct snapshot *s, struct fv_reader *reader, int signals)
{
    struct fv_error err = {0};
    const int64_t begin = fv_tool_now();
    if (fv_reader_start(reader, &err) < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", err.text);
        return FV_EXIT_FAILED;
    }
    struct fv_reader_frame *frame = wait_for_frame(s, signals);
    const double seconds = (double)(fv_tool_now() - begin) / 1e9;
    int code = frame ? write_frame(s->options, frame, seconds) : FV_EXIT_FAILED;
    if (!frame && s->code == -ENODEV)
        code = FV_EXIT_LOST;
    fv_reader_stop(reader);
    if (frame)
        fv_reader_frame_release(frame);
    return code;
}

static int run_with(struct snapshot *s, int signals)
{
    const struct fv_reader_consumer consumer = {
        .name = NAME, .held = 2, .patience = INT64_MAX / 2, .frame = on_frame, .data = s};
    struct fv_reader_params params = s->options->reader;
    struct fv_reader *reader = NULL;
    struct fv_error err = {0};
    params.state = on_state;
    params.problem = on_problem;
    params.data = s;
    params.consumers = &consumer;
    params.consumer_count = 1;
    struct fv_guard guard = {.tool = NAME,
                             .signals = signals,
                             .limit_ms = (int)(s->options->timeout * 1000),
                             .code = FV_EXIT_FAILED};
    fv_guard_begin(&guard); /* a pipe is waited for, and a file system may hang */
    const int r = fv_reader_open(&params, &reader, &err);
    fv_guard_end(&guard);
    if (r < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", err.text);
        return fv_tool_exit_code(r);
    }
    const int code = guard.asked ? FV_EXIT_FAILED : take(s, reader, signals);
    fv_reader_close(reader);
    return code;
}

static int run(int argc, char **argv)
{
    struct options options = {.quality = 90, .timeout = 30};
    int code = parse(argc, argv, &options);
    if (code != FV_EXIT_OK)
        return code;
    if (options.help) {
        fputs(help, stdout);
        return FV_EXIT_OK;
    }
    code = to_stdout(&options) ? 0 : check_out(options.out);
    if (code < 0)
        return refuse_out(&options, code);
    struct snapshot s = {.options = &options,
                         .problems = {.out = stderr},
                         .news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                         .lock = PTHREAD_MUTEX_INITIALIZER};
    const int signals = fv_tool_signals(false);
    if (signals < 0 || s.news < 0) {
        fprintf(stderr, "fovea " NAME ": %s\n", strerror(errno));
        code = FV_EXIT_FAILED;
    } else {
        code = run_with(&s, signals);
    }
    if (s.news >= 0)
        close(s.news);
    if (signals >= 0)
        close(signals);
    return code;
}

const struct fv_tool fv_tool_snapshot = {
    .name = NAME,
    .summary = "one picture of a camera as JPEG",
    .run = run,
};
