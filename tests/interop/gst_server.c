// SPDX-License-Identifier: Apache-2.0
/*
 * A camera that is not ours, for the interoperation tests: GStreamer's RTSP server plays two Matroska files, from their start for each
 * client, at /h264 and /h265, and test pictures at /jpeg, /jpeg-large and /vp9, over TCP and UDP. Optional: Digest credentials, TLS.
 * Prints "ready PORT"; lives until a signal or the end of its parent.
 */
#include <getopt.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

struct options {
    const char *h264, *h265;
    const char *user, *password;
    const char *certificate; /* PEM: certificate and key */
};

static _Noreturn void fail(const char *what, const GError *error)
{
    fprintf(stderr, "gst_server: %s: %s\n", what, error ? error->message : "failed");
    exit(1);
}

/* Takes `launch`. */
static void add_path(GstRTSPServer *server, const char *path, gchar *launch)
{
    GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);
    gst_rtsp_media_factory_set_launch(factory, launch);
    gst_rtsp_media_factory_set_shared(factory, FALSE);
    gst_rtsp_media_factory_set_protocols(factory,
                                         GST_RTSP_LOWER_TRANS_UDP | GST_RTSP_LOWER_TRANS_TCP);
    gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS,
                                    G_TYPE_BOOLEAN, TRUE, GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT,
                                    G_TYPE_BOOLEAN, TRUE, NULL);
    gst_rtsp_mount_points_add_factory(mounts, path, factory);
    g_object_unref(mounts);
    g_free(launch);
}

static void add_file(GstRTSPServer *server, const char *path, const char *codec, const char *file)
{
    add_path(server, path,
             g_strdup_printf("( filesrc location=\"%s\" ! matroskademux ! %sparse ! rtp%spay "
                             "name=pay0 pt=96 config-interval=-1 )",
                             file, codec, codec));
}

/* 25 test pictures a second, encoded as they are watched. */
static void add_live(GstRTSPServer *server, const char *path, const char *size, const char *coding)
{
    add_path(server, path,
             g_strdup_printf("( videotestsrc is-live=true ! video/x-raw,format=I420,%s,"
                             "framerate=25/1 ! %s )",
                             size, coding));
}

static void add_security(GstRTSPServer *server, const struct options *options)
{
    GError *error = NULL;
    GstRTSPAuth *auth = gst_rtsp_auth_new();
    GstRTSPToken *viewer =
        gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", NULL);
    if (options->certificate) {
        GTlsCertificate *certificate =
            g_tls_certificate_new_from_file(options->certificate, &error);
        if (!certificate)
            fail("certificate", error);
        gst_rtsp_auth_set_tls_certificate(auth, certificate);
        g_object_unref(certificate);
    }
    if (options->user) {
        gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
        gst_rtsp_auth_add_digest(auth, options->user, options->password, viewer);
    } else {
        gst_rtsp_auth_set_default_token(auth, viewer);
    }
    gst_rtsp_token_unref(viewer);
    gst_rtsp_server_set_auth(server, auth);
    g_object_unref(auth);
}

static void set_auth(struct options *options, char *text)
{
    char *colon = strchr(text, ':');
    if (!colon)
        fail("--auth takes USER:PASSWORD", NULL);
    *colon = '\0';
    options->user = text;
    options->password = colon + 1;
}

static void parse(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {
        {"h264", required_argument, NULL, '4'},
        {"h265", required_argument, NULL, '5'},
        {"auth", required_argument, NULL, 'a'},
        {"tls", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == '4')
            options->h264 = optarg;
        else if (option == '5')
            options->h265 = optarg;
        else if (option == 'a')
            set_auth(options, optarg);
        else if (option == 't')
            options->certificate = optarg;
        else
            exit(2);
    }
}

/* Sessions of clients that went away without a word end too. */
static gboolean clean_up(gpointer data)
{
    GstRTSPSessionPool *pool = gst_rtsp_server_get_session_pool(data);
    gst_rtsp_session_pool_cleanup(pool);
    g_object_unref(pool);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    gst_init(NULL, NULL);
    parse(&options, argc, argv);
    GstRTSPServer *server = gst_rtsp_server_new();
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, "0");
    if (options.h264)
        add_file(server, "/h264", "h264", options.h264);
    if (options.h265)
        add_file(server, "/h265", "h265", options.h265);
    add_live(server, "/jpeg", "width=320,height=240", "jpegenc ! rtpjpegpay name=pay0 pt=26");
    add_live(server, "/jpeg-large", "width=2100,height=240",
             "jpegenc ! rtpjpegpay name=pay0 pt=96");
    add_live(server, "/vp9", "width=320,height=240",
             "vp9enc deadline=1 cpu-used=8 keyframe-max-dist=25 ! rtpvp9pay name=pay0 pt=96");
    if (options.user || options.certificate)
        add_security(server, &options);
    if (gst_rtsp_server_attach(server, NULL) == 0)
        fail("cannot listen", NULL);
    g_timeout_add_seconds(2, clean_up, server);
    printf("ready %d\n", gst_rtsp_server_get_bound_port(server));
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}
