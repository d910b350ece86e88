// SPDX-License-Identifier: Apache-2.0
/* An anchor of the benchmark: libavformat, a thread for each camera in av_read_frame(), as most programs do it. */
#include <libavformat/avformat.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "counting.h"

struct reader {
    struct counting *counting;
    struct counted_camera *camera;
    pthread_t thread;
};

static AVFormatContext *open_camera(const struct reader *reader)
{
    AVFormatContext *context = NULL;
    AVDictionary *options = NULL;
    av_dict_set(&options, "rtsp_transport", reader->counting->udp ? "udp" : "tcp", 0);
    int rc = avformat_open_input(&context, reader->camera->url, NULL, &options);
    av_dict_free(&options);
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", reader->camera->url, av_err2str(rc));
        exit(1);
    }
    return context;
}

static void *read_camera(void *data)
{
    struct reader *reader = data;
    AVFormatContext *context = open_camera(reader);
    AVPacket *packet = av_packet_alloc();
    int rc = packet ? 0 : AVERROR(ENOMEM);
    while (rc >= 0 && (rc = av_read_frame(context, packet)) >= 0) {
        counting_add(&reader->camera->bytes, (uint64_t)packet->size);
        counting_add(&reader->camera->lost, packet->flags & AV_PKT_FLAG_CORRUPT ? 1 : 0);
        counting_picture(reader->counting, reader->camera);
        av_packet_unref(packet);
    }
    fprintf(stderr, "%s: %s\n", reader->camera->url, av_err2str(rc));
    exit(1);
}

int main(int argc, char **argv)
{
    struct counting counting;
    counting_start(&counting, argc, argv);
    av_log_set_level(AV_LOG_ERROR);
    struct reader *readers = calloc(counting.camera_count, sizeof(*readers));
    if (!readers)
        return 1;
    for (unsigned i = 0; i < counting.camera_count; i++) {
        readers[i] = (struct reader){.counting = &counting, .camera = &counting.cameras[i]};
        if (pthread_create(&readers[i].thread, NULL, read_camera, &readers[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < counting.camera_count; i++)
        pthread_join(readers[i].thread, NULL);
    return 0;
}
