// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a stream of messages and frames; every header, parameter and body byte is read. */
#include <stdlib.h>

#include "rtsp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

static void touch(struct fv_slice text)
{
    for (size_t i = 0; i < text.size; i++)
        sum += (unsigned char)text.data[i];
}

static void touch_params(struct fv_slice text, char separator)
{
    struct fv_slice key, value;
    size_t left = text.size + 1;
    while (fv_rtsp_next_param(&text, separator, &key, &value)) {
        if (text.size >= left)
            abort();
        left = text.size;
        touch(key);
        touch(value);
    }
}

static void touch_message(const struct fv_rtsp_message *message)
{
    touch(message->request ? message->method : message->reason);
    touch(message->request ? message->uri : message->reason);
    if (!message->request && (message->status < 100 || message->status > 999))
        abort();
    for (unsigned i = 0; i < message->header_count; i++) {
        touch(message->headers[i].name);
        touch(message->headers[i].value);
        touch_params(message->headers[i].value, ';');
        touch_params(message->headers[i].value, ',');
    }
    touch(message->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size) {
        struct fv_rtsp_message message;
        struct fv_rtsp_frame frame;
        int64_t n = fv_rtsp_parse_frame(data, size, &frame);
        if (n > 0) {
            touch((struct fv_slice){(const char *)frame.data, frame.size});
        } else {
            n = fv_rtsp_parse((const char *)data, size, &message);
            if (n > 0)
                touch_message(&message);
        }
        if (n > (int64_t)size || n == 0)
            abort();
        n = n > 0 ? n : 1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}
