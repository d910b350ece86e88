// SPDX-License-Identifier: Apache-2.0
/* An anchor of the benchmark: GStreamer, one process, for each camera rtspsrc ! rtph264depay ! h264parse ! fakesink, or
 * the same for H.265. */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting.h"

struct stream {
    struct counting *counting;
    struct counted_camera *camera;
};

/* On GStreamer's own thread of this camera: one buffer is one access unit. */
static GstPadProbeReturn count_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    struct stream *stream = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    counting_add(&stream->camera->bytes, gst_buffer_get_size(buffer));
    counting_picture(stream->counting, stream->camera);
    return GST_PAD_PROBE_OK;
}

static GstElement *make_pipeline(const struct stream *stream)
{
    char text[1024];
    const char *codec = stream->counting->codec;
    GError *error = NULL;
    snprintf(text, sizeof(text),
             "rtspsrc location=%s protocols=%s ! rtp%sdepay ! %sparse ! "
             "video/x-%s,stream-format=byte-stream,alignment=au ! fakesink name=sink sync=false",
             stream->camera->url, stream->counting->udp ? "udp" : "tcp", codec, codec, codec);
    GstElement *pipeline = gst_parse_launch(text, &error);
    if (!pipeline || error) {
        fprintf(stderr, "%s\n", error ? error->message : "no pipeline");
        exit(1);
    }
    return pipeline;
}

static void start_stream(struct stream *stream)
{
    GstElement *pipeline = make_pipeline(stream);
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    GstPad *pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count_buffer, stream, NULL);
    gst_object_unref(pad);
    gst_object_unref(sink);
    gst_element_set_state(pipeline, GST_STATE_PLAYING); /* lives as long as the process */
}

int main(int argc, char **argv)
{
    struct counting counting;
    counting_start(&counting, argc, argv);
    gst_init(NULL, NULL);
    struct stream *streams = calloc(counting.camera_count, sizeof(*streams));
    if (!streams)
        return 1;
    for (unsigned i = 0; i < counting.camera_count; i++) {
        streams[i] = (struct stream){.counting = &counting, .camera = &counting.cameras[i]};
        start_stream(&streams[i]);
    }
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 1;
}
